import type { Report } from '@mcp-platform/balancer'
import type { HealthTarget, RouteHealth } from '@mcp-platform/gateway-core'
import type { AdminState, HealthMonitor, HealthStats, ProbeResult, TargetView } from '@mcp-platform/health'
import type { CircuitBoard } from './circuit-board.js'
import type { Verdict } from './protocol.js'

/** A probe of this age is as good as a new one, in milliseconds. */
const FRESH_MS = 1_000

const NOT_THERE: Verdict = { state: 'unfit', reason: 'the instance is not there', passed: false }

/**
 * The health of a template in the primary: probes are made here, calls are judged in the workers. Views show the
 * workers' circuits too.
 */
export class LeadingHealth implements RouteHealth {
  readonly #monitor: HealthMonitor<HealthTarget>
  readonly #template: string
  readonly #board: CircuitBoard
  readonly #now: () => number

  constructor(options: {
    readonly monitor: HealthMonitor<HealthTarget>
    readonly template: string
    readonly board: CircuitBoard
    /** Milliseconds since 1970. @default Date.now */
    readonly now?: (() => number) | undefined
  }) {
    this.#monitor = options.monitor
    this.#template = options.template
    this.#board = options.board
    this.#now = options.now ?? Date.now
  }

  get version(): number {
    return this.#monitor.version
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

  start(): Promise<void> {
    return this.#monitor.start()
  }

  isAvailable(id: string): boolean {
    return this.#monitor.isAvailable(id)
  }

  share(id: string): number {
    return this.#monitor.share(id)
  }

  penalty(id: string): number {
    return this.#monitor.penalty(id)
  }

  acceptsPinned(id: string): boolean {
    return this.#monitor.acceptsPinned(id)
  }

  lastResort(id: string): number | undefined {
    return this.#monitor.lastResort(id)
  }

  observe(id: string, report: Report): void {
    this.#monitor.observe(id, report)
  }

  update(targets: readonly HealthTarget[]): void {
    this.#monitor.update(targets)
  }

  setAdmin(id: string, admin: AdminState): void {
    this.#monitor.setAdmin(id, admin)
  }

  probeNow(id: string): Promise<ProbeResult> {
    return this.#monitor.probeNow(id)
  }

  suspect(id: string, cause: string, by?: string): void {
    this.#monitor.suspect(id, cause, by)
  }

  view(id: string): TargetView | undefined {
    const view = this.#monitor.view(id)
    return view && this.#board.overlay(this.#template, view)
  }

  stats(): HealthStats {
    return this.#monitor.stats()
  }

  close(): Promise<void> {
    return this.#monitor.close()
  }

  #ageOf({ lastCheckAt }: TargetView): number {
    return lastCheckAt === undefined ? Number.POSITIVE_INFINITY : this.#now() - lastCheckAt.getTime()
  }

  // Its result shows in the view; a target that is disabled or removed meanwhile has none.
  async #probe(id: string): Promise<void> {
    await this.#monitor.probeNow(id).catch(() => undefined)
  }
}
