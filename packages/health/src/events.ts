import type { HealthStatus } from './status.js'
import type { StoredCircuit } from './store.js'

/** Why a circuit changed. */
export type CircuitCause =
  | 'consecutive-failures'
  | 'success-ratio'
  | 'trial-due'
  | 'trial-failed'
  | 'trial-succeeded'
  | 'advice'
  | 'ceiling'
  | 'reset'

/** What a monitor tells its owner. `group` is the monitor's own, so that one listener can serve many monitors. */
export type HealthEvent =
  /** The status that people see changed. */
  | {
      readonly type: 'status'
      readonly group: string
      readonly id: string
      readonly from: HealthStatus
      readonly to: HealthStatus
      readonly reason?: string
      readonly at: Date
    }
  /** A probe ended with a verdict that counts. */
  | {
      readonly type: 'probe'
      readonly group: string
      readonly id: string
      readonly verdict: 'fit' | 'unfit' | 'held'
      readonly reason?: string
      readonly latencyMs: number
      readonly at: Date
    }
  /** A circuit changed; `circuit` is what a store should keep. */
  | {
      readonly type: 'circuit'
      readonly group: string
      readonly id: string
      readonly from: StoredCircuit['state']
      readonly to: StoredCircuit['state']
      readonly cause: CircuitCause
      readonly circuit: StoredCircuit
    }
  /** A target deserves ejection, but too many are ejected already or it is the last one available. Once per streak. */
  | {
      readonly type: 'ejection-withheld'
      readonly group: string
      readonly id: string
      readonly cause: 'consecutive-failures' | 'success-ratio'
    }
  /** Our own event loop stood still during a probe that failed; the probe is repeated and the failure does not count. */
  | { readonly type: 'stall'; readonly group: string; readonly id: string; readonly stalledMs: number }
  /** The available part fell below `panicBelowRatio` (or is back above it). */
  | { readonly type: 'panic'; readonly group: string; readonly active: boolean }
  /** A target was removed; a store should forget its circuit. */
  | { readonly type: 'removed'; readonly group: string; readonly id: string }
