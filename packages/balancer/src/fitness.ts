import type { Report } from './report.js'

/**
 * Who may get calls at all. A `HealthMonitor` of `@mcp-platform/health` fits; so does anything with the first two members.
 * Every answer must be cheap: `version` is read on each pick, the others for every endpoint whenever it has grown.
 */
export interface Fitness {
  /** Grows when any answer below changes. */
  readonly version: number
  /** May get new calls. */
  isAvailable(id: string): boolean
  /** 0..1, how much of its fair part it should get (slow start, degraded); also scales its in-flight cap. @default 1 */
  share?(id: string): number
  /** >= 1, how much dearer its recent failures make it. @default 1 */
  penalty?(id: string): number
  /** Is told how each call went: the very object given to `Lease.release`, further members included. */
  observe?(id: string, report: Report): void
  /** May get calls of a session that lives there although it may be unavailable. @default true */
  acceptsPinned?(id: string): boolean
  /** Rank of an unavailable endpoint in a panic, lowest first; undefined = never. Without this method all have rank 1. */
  lastResort?(id: string): number | undefined
}
