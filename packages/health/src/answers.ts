import { deriveStatus, type HealthStatus, isServing, type TargetState } from './status.js'

/** Part of its fair share that a degraded target gets. */
const DEGRADED_SHARE = 0.5

/** How strongly the failure ratio makes a target dearer (`1 + 4e`). */
const FAILURE_WEIGHT = 4

/** What a balancer is told about one target. */
export interface Answers {
  readonly status: HealthStatus
  readonly available: boolean
  readonly share: number
  readonly penalty: number
  readonly pinned: boolean
  readonly lastResort: 1 | 2 | undefined
}

/** Derives all answers from the state, the share of the slow start and the published failure ratio. */
export function deriveAnswers(
  state: TargetState,
  facts: { nowMs: number; share: number; failureRatio: number },
): Answers {
  const status = deriveStatus(state)
  return {
    status,
    available: isServing(status),
    share: status === 'degraded' ? facts.share * DEGRADED_SHARE : facts.share,
    penalty: 1 + FAILURE_WEIGHT * facts.failureRatio,
    pinned: acceptsPinned(state, facts.nowMs),
    lastResort: lastResort(state),
  }
}

/** True if nothing that a balancer can ask differs. */
export function sameAnswers(a: Answers, b: Answers): boolean {
  return (
    a.available === b.available &&
    a.share === b.share &&
    a.penalty === b.penalty &&
    a.pinned === b.pinned &&
    a.lastResort === b.lastResort
  )
}

// A session dies with its server: once the probes have declared the target down, its clients should start a new one elsewhere.
function acceptsPinned({ admin, probe }: TargetState, nowMs: number): boolean {
  if (admin.state === 'disabled' || probe.state !== 'fit') return false
  return admin.state === 'active' || nowMs < admin.untilMs
}

// One that never passed a probe may be anything; it is not tried even when nothing else is left.
function lastResort({ admin, probe, circuit, everFit }: TargetState): 1 | 2 | undefined {
  if (admin.state !== 'active' || !everFit) return undefined
  if (probe.state === 'unfit') return 2
  return probe.state === 'fit' && circuit.state !== 'closed' ? 1 : undefined
}
