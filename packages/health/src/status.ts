import type { CircuitState } from './circuit.js'
import type { ProbeState } from './probe-record.js'

/** The one word that people see. `healthy` and `degraded` get traffic; all others do not get new calls. */
export type HealthStatus =
  | 'healthy'
  | 'degraded'
  | 'starting'
  | 'unhealthy'
  | 'ejected'
  | 'draining'
  | 'disabled'
  | HeldStatus

/** Statuses of a target that answers, but must not be used. */
export type HeldStatus = 'unauthenticated' | 'identity_changed' | 'crash_loop' | 'held'

/** What an operator wants, with the deadline on the monotonic clock. */
export type Admin =
  | { readonly state: 'active' }
  | { readonly state: 'draining'; readonly untilMs: number }
  | { readonly state: 'disabled' }

/** Everything that decides about one target. */
export interface TargetState {
  readonly admin: Admin
  readonly probe: ProbeState
  readonly circuit: CircuitState
  /** Passed a probe at least once. */
  readonly everFit: boolean
  /** Fails too often or answers unusually slowly. */
  readonly degraded: boolean
}

/** Derives the status from admin x probe x circuit, the strongest fact first. The only place where a status is made. */
export function deriveStatus({ admin, probe, circuit, degraded }: TargetState): HealthStatus {
  if (admin.state !== 'active') return admin.state
  if (probe.state === 'held') return heldStatus(probe.reason)
  if (probe.state === 'starting') return 'starting'
  if (probe.state === 'unfit') return 'unhealthy'
  if (circuit.state !== 'closed') return 'ejected'
  return degraded ? 'degraded' : 'healthy'
}

/** `healthy` or `degraded`: serves new calls. */
export function isServing(status: HealthStatus): boolean {
  return status === 'healthy' || status === 'degraded'
}

function heldStatus(reason: string): HeldStatus {
  switch (reason) {
    case 'unauthenticated':
    case 'identity_changed':
    case 'crash_loop':
      return reason
    default:
      return 'held'
  }
}
