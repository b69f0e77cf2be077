import type { HealthTarget, RouteHealth } from '@mcp-platform/gateway-core'
import type { HealthMonitor, TargetView } from '@mcp-platform/health'
import type { CircuitBoard } from './circuit-board.js'
import { monitoredHealth } from './monitored-health.js'
import type { Verdict } from './protocol.js'

/** A probe of this age is as good as a new one, in milliseconds. */
const FRESH_MS = 1_000

const NOT_THERE: Verdict = { state: 'unfit', reason: 'the instance is not there', passed: false }

/**
 * The health of a template in the primary: probes are made here, calls are judged in the workers. Views show the
 * workers' circuits too.
 */
export class LeadingHealth {
  /** What the route of the primary uses. */
  readonly route: RouteHealth
  readonly #monitor: HealthMonitor<HealthTarget>
  readonly #now: () => number

  constructor(options: {
    readonly monitor: HealthMonitor<HealthTarget>
    readonly template: string
    readonly board: CircuitBoard
    /** Milliseconds since 1970. @default Date.now */
    readonly now?: (() => number) | undefined
  }) {
    const { monitor, template, board, now } = options
    this.#monitor = monitor
    this.#now = now ?? Date.now
    this.route = monitoredHealth(monitor, {
      view: (id) => {
        const view = monitor.view(id)
        return view && board.overlay(template, view)
      },
    })
  }

  /** What a worker is told that asks. */
  async verdict(id: string, urgent: boolean): Promise<Verdict> {
    const known = this.#monitor.view(id)
    if (known === undefined) return NOT_THERE
    if (known.probe.state === 'starting' || (urgent && this.#ageOf(known) > FRESH_MS)) await this.#probe(id)
    const view = this.#monitor.view(id)
    if (view === undefined) return NOT_THERE
    const { state } = view.probe
    const reason = view.probe.reason ?? view.lastError
    return { state: state === 'starting' ? 'unfit' : state, reason, passed: view.consecutiveFailures === 0 }
  }

  /** A circuit of a worker has opened: probing will tell whether others should know. */
  advise(id: string): void {
    this.#monitor.advise(id, { state: 'open' })
  }

  #ageOf({ lastCheckAt }: TargetView): number {
    return lastCheckAt === undefined ? Number.POSITIVE_INFINITY : this.#now() - lastCheckAt.getTime()
  }

  // Its result shows in the view; a target that is disabled or removed meanwhile has none.
  async #probe(id: string): Promise<void> {
    await this.#monitor.probeNow(id).catch(() => undefined)
  }
}
