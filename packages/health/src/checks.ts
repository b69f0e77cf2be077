import { Agenda } from './agenda.js'
import type { Judge } from './judge.js'
import { nextProbeDelayMs, spreadDelayMs } from './next-probe.js'
import type { Settings } from './options.js'
import type { Probe } from './probe.js'
import { type ProbeOutcome, Prober } from './prober.js'
import type { Target } from './target.js'
import type { TargetHealth } from './target-health.js'

/** A probe that failed while our own loop stood still for at least this long says nothing about the target. In milliseconds. */
const STALL_MS = 1_000

/** A process that stalls all the time must still find out about dead targets: after so many repeats the failure counts. */
const MAX_STALL_REPEATS = 3

/** How many probes ran and how they ended. */
export interface CheckStats {
  readonly totalChecks: number
  readonly successfulChecks: number
  readonly failedChecks: number
  /** 0..1; 1 before the first check. */
  readonly successRatio: number
  readonly lastCheckAt: Date | undefined
}

/** What the checks need of the monitor. */
export interface ChecksOptions<T extends Target> {
  readonly probe: Probe<T>
  readonly settings: Settings
  readonly shouldProbe?: ((target: T) => boolean) | undefined
  readonly find: (id: string) => TargetHealth<T> | undefined
  readonly judge: Judge<T>
}

/** Decides when each target is probed, and sees to it that a verdict is about the target and not about ourselves. */
export class Checks<T extends Target> {
  readonly #options: ChecksOptions<T>
  readonly #settings: Settings
  readonly #prober: Prober<T>
  readonly #agenda: Agenda
  readonly #running = new Map<TargetHealth<T>, Promise<ProbeOutcome | undefined>>()
  readonly #checkedMs = new WeakMap<TargetHealth<T>, number>()
  #successful = 0
  #failed = 0
  #lastCheckAt: Date | undefined

  constructor(options: ChecksOptions<T>) {
    this.#options = options
    this.#settings = options.settings
    this.#prober = new Prober({ ...options.settings, probe: options.probe })
    this.#agenda = new Agenda(options.settings.scheduler, (id) => this.#onDue(id))
  }

  /** Begins to fire what is due (also after `pause`). */
  resume(): void {
    this.#agenda.start()
  }

  /** Lets nothing fall due until `resume`; probes that run go on. */
  pause(): void {
    this.#agenda.stop()
  }

  /** Probes now, or joins the probe of this target that already runs. Undefined: given up. */
  run(target: TargetHealth<T>, options: { urgent: boolean }): Promise<ProbeOutcome | undefined> {
    const running = this.#running.get(target)
    if (running !== undefined) return running
    const check = this.#check(target, options.urgent).finally(() => this.#running.delete(target))
    this.#running.set(target, check)
    return check
  }

  /** Probes as soon as possible, but not more than once per edge interval: suspicions may come in crowds. */
  hasten(target: TargetHealth<T>): void {
    const checkedMs = this.#checkedMs.get(target) ?? Number.NEGATIVE_INFINITY
    const earliestMs = checkedMs + Math.min(this.#settings.edgeIntervalMs, this.#settings.intervalMs)
    this.#agenda.setSooner(target.id, Math.max(this.#nowMs(), earliestMs))
  }

  /** The first probe of a target that was there at start: the second ones spread over an interval. */
  async first(target: TargetHealth<T>): Promise<void> {
    const outcome = await this.run(target, { urgent: false })
    if (outcome === undefined || target.record.edge) return
    this.#agenda.setSooner(target.id, this.#nowMs() + spreadDelayMs(this.#settings, this.#settings.random))
  }

  /** Plans the trial of a circuit that is not closed. */
  scheduleTrial(target: TargetHealth<T>): void {
    const { state } = target.circuit
    if (state.state === 'open') this.#agenda.setSooner(target.id, state.untilMs)
    if (state.state === 'half-open') this.#agenda.setSooner(target.id, this.#nowMs() + this.#settings.edgeIntervalMs)
  }

  /** Forgets when a target is due. */
  unschedule(id: string): void {
    this.#agenda.delete(id)
  }

  /** When the next probe of a target is due, on the monotonic clock. */
  nextMs(id: string): number | undefined {
    return this.#agenda.dueMs(id)
  }

  stats(): CheckStats {
    const totalChecks = this.#successful + this.#failed
    return {
      totalChecks,
      successfulChecks: this.#successful,
      failedChecks: this.#failed,
      successRatio: totalChecks === 0 ? 1 : this.#successful / totalChecks,
      lastCheckAt: this.#lastCheckAt,
    }
  }

  /** Waits for probes that were told to stop. */
  async close(): Promise<void> {
    this.#agenda.stop()
    await this.#prober.close()
  }

  #onDue(id: string): void {
    const target = this.#options.find(id)
    if (target === undefined) return
    if (this.#isLeftToOthers(target)) this.#schedule(target)
    else void this.run(target, { urgent: target.suspicions.length > 0 })
  }

  // Verdicts stay local: who uses a target, or doubts it, looks for itself.
  #isLeftToOthers(target: TargetHealth<T>): boolean {
    const { shouldProbe } = this.#options
    if (shouldProbe === undefined || !target.settled) return false
    if (this.#nowMs() - target.usedMs <= this.#settings.intervalMs) return false
    return !shouldProbe(target.target)
  }

  async #check(target: TargetHealth<T>, urgent: boolean): Promise<ProbeOutcome | undefined> {
    this.#agenda.delete(target.id)
    const trial = this.#options.judge.circuits.beginTrialIfDue(target)
    const outcome = await this.#probe(target, urgent)
    if (outcome === undefined || target.dropped.signal.aborted) return undefined
    this.#count(target, outcome)
    this.#options.judge.onOutcome(target, outcome, trial)
    // A listener may have removed the target while it heard of the outcome.
    if (!target.dropped.signal.aborted) this.#schedule(target)
    return outcome
  }

  async #probe(target: TargetHealth<T>, urgent: boolean): Promise<ProbeOutcome | undefined> {
    for (let repeats = 0; ; repeats++) {
      const outcome = await this.#prober.run(target.target, { signal: target.dropped.signal, urgent })
      if (outcome === undefined || outcome.verdict === 'fit' || outcome.stalledMs < STALL_MS) return outcome
      if (repeats === MAX_STALL_REPEATS) return outcome
      this.#options.judge.onStall(target, outcome.stalledMs)
    }
  }

  #schedule(target: TargetHealth<T>): void {
    if (target.admin.state === 'disabled') return
    const delayMs = nextProbeDelayMs(target.record, this.#settings, this.#settings.random)
    this.#agenda.set(target.id, this.#nowMs() + delayMs)
    this.scheduleTrial(target)
    if (target.suspicions.length > 0) this.hasten(target)
  }

  #count(target: TargetHealth<T>, outcome: ProbeOutcome): void {
    if (outcome.verdict === 'fit') this.#successful += 1
    else this.#failed += 1
    this.#lastCheckAt = this.#settings.wallClock()
    this.#checkedMs.set(target, this.#nowMs())
  }

  #nowMs(): number {
    return this.#settings.scheduler.now()
  }
}
