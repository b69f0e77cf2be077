import type { Fitness } from '@mcp-platform/balancer'
import type { AdminState, HealthStats, ProbeResult, TargetView } from '@mcp-platform/health'

/** What a route watches: one instance at one generation. */
export interface HealthTarget {
  readonly id: string
  readonly generation: number
}

/**
 * The fitness of a template's instances as the route uses it. A `HealthMonitor` fits; a data-plane worker has a copy
 * that follows its primary instead.
 */
export interface RouteHealth extends Fitness {
  lastResort(id: string): number | undefined
  share(id: string): number
  /** Begins to probe; resolves when every target was probed once, or after a bound. */
  start(): Promise<void>
  update(targets: readonly HealthTarget[]): void
  setAdmin(id: string, admin: AdminState): void
  /** Probes now, joining a probe under way; rejects if the target is gone meanwhile. */
  probeNow(id: string): Promise<ProbeResult>
  /** A failure that may be the tool's: a probe decides, at most once per `by` in a while. */
  suspect(id: string, cause: string, by?: string): void
  view(id: string): TargetView | undefined
  stats(): HealthStats
  close(): Promise<void>
}
