import type { BalancerErrorCode } from './errors.js'

/**
 * What a balancer tells its owner. There is no event per pick: the lease tells the caller, `snapshot()` counts, and a
 * pick takes less time than an event would.
 */
export type BalancerEvent =
  /** The set was replaced: ids that joined, left, or came as another generation (those are in both lists). */
  | {
      readonly type: 'updated'
      readonly added: readonly string[]
      readonly removed: readonly string[]
      readonly total: number
    }
  /** The number of endpoints that may get new calls changed. */
  | { readonly type: 'availability'; readonly available: number; readonly total: number }
  /** Calls go to unavailable endpoints (or no longer do): see the options `whenNoneAvailable` and `panicBelowRatio`. */
  | { readonly type: 'panic'; readonly active: boolean; readonly available: number; readonly total: number }
  /** Everything is full; a call waits as the `waiting`-th. */
  | { readonly type: 'queued'; readonly waiting: number }
  /** A waiting call got its lease. */
  | { readonly type: 'dequeued'; readonly id: string; readonly waitedMs: number; readonly waiting: number }
  /** A call was refused: nothing available, queue full, waited too long, pinned endpoint gone. */
  | { readonly type: 'refused'; readonly code: BalancerErrorCode; readonly waiting: number }
  /** A programming error of the lease's holder: the second release was ignored. */
  | { readonly type: 'released-twice'; readonly id: string }
  /** The promise given to `releaseWith` was rejected; counted as a failure. */
  | { readonly type: 'report-rejected'; readonly id: string; readonly error: unknown }
