import {
  type HealthEvent,
  HealthMonitor,
  type HealthMonitorOptions,
  type ProbeResult,
  type Target,
} from '../src/index.js'
import { ManualScheduler } from '../src/testing.js'

/** What a scripted probe does next: a verdict, or hang until it is aborted, or hang for good. */
export type Behaviour = ProbeResult | 'hang' | 'ignore-abort'

export const fit: ProbeResult = { verdict: 'fit' }
export const unfit: ProbeResult = { verdict: 'unfit', reason: 'broken' }
export const held: ProbeResult = { verdict: 'held', reason: 'unauthenticated' }

/** A monitor on a clock that the test moves, with probes that the test scripts. */
export class Bench {
  readonly scheduler = new ManualScheduler(1_000)
  readonly events: HealthEvent[] = []
  readonly behaviour = new Map<string, Behaviour>()
  readonly probedAt = new Map<string, number[]>()
  readonly monitor: HealthMonitor<Target>
  running = 0
  mostRunning = 0
  /** Milliseconds that a probe takes to answer. */
  probeTakesMs = 0

  constructor(ids: readonly string[], options: Partial<HealthMonitorOptions<Target>> = {}) {
    this.monitor = new HealthMonitor<Target>({
      targets: ids.map((id) => ({ id })),
      probe: (target, signal) => this.#probe(target.id, signal),
      scheduler: this.scheduler,
      wallClock: () => new Date(Date.UTC(2026, 0, 1) + this.scheduler.now()),
      random: () => 0.5,
      onEvent: (event) => this.events.push(event),
      ...options,
    })
  }

  /** Starts the monitor and lets the first probes answer. */
  async start(): Promise<this> {
    const started = this.monitor.start()
    await this.scheduler.advance(this.probeTakesMs)
    await started
    return this
  }

  async advance(ms: number): Promise<void> {
    await this.scheduler.advance(ms)
  }

  fail(id: string, times: number): void {
    for (let call = 0; call < times; call++) this.monitor.observe(id, { outcome: 'failure' })
  }

  succeed(id: string, times: number): void {
    for (let call = 0; call < times; call++) this.monitor.observe(id, { outcome: 'success' })
  }

  status(id: string): string | undefined {
    return this.monitor.view(id)?.status
  }

  circuit(id: string): string | undefined {
    return this.monitor.view(id)?.circuit.state
  }

  probes(id: string): number {
    return this.probedAt.get(id)?.length ?? 0
  }

  /** Times between the probes of a target. */
  gaps(id: string): number[] {
    const times = this.probedAt.get(id) ?? []
    return times.slice(1).map((time, index) => time - (times[index] ?? 0))
  }

  eventsOf<K extends HealthEvent['type']>(type: K): Extract<HealthEvent, { type: K }>[] {
    return this.events.filter((event): event is Extract<HealthEvent, { type: K }> => event.type === type)
  }

  async #probe(id: string, signal: AbortSignal): Promise<ProbeResult> {
    this.probedAt.set(id, [...(this.probedAt.get(id) ?? []), this.scheduler.now()])
    this.running += 1
    this.mostRunning = Math.max(this.mostRunning, this.running)
    try {
      return await this.#answer(this.behaviour.get(id) ?? fit, signal)
    } finally {
      this.running -= 1
    }
  }

  async #answer(behaviour: Behaviour, signal: AbortSignal): Promise<ProbeResult> {
    if (behaviour === 'ignore-abort') return await new Promise<never>(() => undefined)
    if (behaviour === 'hang')
      return await new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    if (this.probeTakesMs > 0) await new Promise<void>((resolve) => this.scheduler.after(this.probeTakesMs, resolve))
    return behaviour
  }
}
