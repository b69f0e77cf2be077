import type { CheckStats } from './checks.js'
import type { Clock } from './clock.js'
import { type HealthStatus, isServing } from './status.js'
import type { StoredCircuit } from './store.js'
import type { AdminState } from './target.js'
import type { TargetHealth } from './target-health.js'

/** What people may know of one target. Holds nothing of the target but its id. */
export interface TargetView {
  readonly id: string
  readonly status: HealthStatus
  /** True for `healthy` and `degraded`. */
  readonly healthy: boolean
  /** 0..100 without latency (see `healthScore`); 0 if it gets no new calls. */
  readonly score: number
  readonly available: boolean
  readonly share: number
  /** Decayed failures / (decayed calls + 5), 0..1. */
  readonly failureRatio: number
  readonly admin: AdminState
  readonly consecutiveFailures: number
  readonly consecutivePasses: number
  /** When the last probe ended; undefined before the first. */
  readonly lastCheckAt: Date | undefined
  readonly lastLatencyMs: number | undefined
  /** Why it is held or why its last failed probe failed; undefined once it passes again. */
  readonly lastError: string | undefined
  /** When the next probe is due; undefined while one runs, while paused or disabled. */
  readonly nextCheckAt: Date | undefined
  readonly probe: {
    readonly state: 'starting' | 'fit' | 'unfit' | 'held'
    readonly reason: string | undefined
    readonly slow: boolean
  }
  readonly circuit: {
    readonly state: StoredCircuit['state']
    readonly openUntil: Date | undefined
    /** Ejections in a row; falls while it stays closed. */
    readonly opens: number
    readonly since: Date
  }
}

/** The monitor as a whole. */
export interface HealthStats extends CheckStats {
  /** Started, not paused, not closed. */
  readonly running: boolean
  readonly checkIntervalMs: number
  readonly timeoutMs: number
}

/** Draws up the view of one target. */
export function viewOf(target: TargetHealth, clock: Clock, nextCheckMs: number | undefined): TargetView {
  const { answers, record } = target
  const failureRatio = target.failures.value(clock.nowMs())
  const healthy = isServing(answers.status)
  return {
    id: target.id,
    status: answers.status,
    healthy,
    score: healthy ? healthScore({ degraded: answers.status === 'degraded', failureRatio }) : 0,
    available: answers.available,
    share: answers.share,
    failureRatio,
    admin: adminView(target, clock),
    consecutiveFailures: record.consecutiveFailures,
    consecutivePasses: record.consecutivePasses,
    lastCheckAt: target.checkedAt,
    lastLatencyMs: target.lastOutcome?.latencyMs,
    lastError: target.lastFailure,
    nextCheckAt: nextCheckMs === undefined ? undefined : clock.toDate(nextCheckMs),
    probe: {
      state: record.state.state,
      reason: 'reason' in record.state ? record.state.reason : undefined,
      slow: record.slow,
    },
    circuit: circuitView(target, clock),
  }
}

/**
 * One number for people: `round(100 x h x (1 - e) / (1 + max(0, L - 1) / 4))`. Never used to choose.
 * `latency` is L, the normalised latency that only a balancer knows (1 = usual). @default 1
 */
export function healthScore(facts: { degraded: boolean; failureRatio: number; latency?: number | undefined }): number {
  const slowness = Math.max(0, (facts.latency ?? 1) - 1)
  return Math.round((100 * (facts.degraded ? 0.5 : 1) * (1 - facts.failureRatio)) / (1 + slowness / 4))
}

function circuitView({ circuit }: TargetHealth, clock: Clock): TargetView['circuit'] {
  return {
    state: circuit.state.state,
    openUntil: circuit.state.state === 'open' ? clock.toDate(circuit.state.untilMs) : undefined,
    opens: circuit.opens(clock.nowMs()),
    since: clock.toDate(circuit.sinceMs),
  }
}

function adminView({ admin }: TargetHealth, clock: Clock): AdminState {
  if (admin.state !== 'draining') return admin
  return Number.isFinite(admin.untilMs)
    ? { state: 'draining', until: clock.toDate(admin.untilMs) }
    : { state: 'draining' }
}
