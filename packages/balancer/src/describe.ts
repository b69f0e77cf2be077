import type { Endpoint } from './endpoint.js'
import { AVAILABLE, type EndpointState } from './endpoint-state.js'
import { healthCost, healthScore } from './policies/health-based.js'

/** One endpoint's load, for people and dashboards. */
export interface EndpointSnapshot {
  readonly id: string
  /** May get new calls, as far as health is concerned. */
  readonly available: boolean
  /** Effective weight: weight times share. */
  readonly weight: number
  /** 0..1: slow start, degraded. */
  readonly share: number
  readonly inFlight: number
  readonly maxInFlight: number
  /** Leases given since it joined. */
  readonly picks: number
  /** Relative to what the same kinds of call usually take: 1 = usual. */
  readonly latency: number
  /** Smoothed, of successes; undefined while none was measured. */
  readonly latencyMs: number | undefined
  /** 0..1, decayed. */
  readonly errorRatio: number
  /** 0..100: 100 x share x (1 - error ratio) / (1 + max(0, latency - 1) / 4); 0 while unavailable. */
  readonly score: number
}

/**
 * - `picked`: would get the call. For policies that draw lots: one possible draw.
 * - `eligible`: could get it.
 * - `full`, `excluded`, `weight_zero`, `unavailable`: could not, and why. With `pinnedTo`, all others are `excluded`.
 */
export type Verdict = 'picked' | 'eligible' | 'full' | 'excluded' | 'weight_zero' | 'unavailable'

/** What a pick would make of one endpoint now. */
export interface Explanation extends EndpointSnapshot {
  readonly verdict: Verdict
  /** Cost of one more call by the health-based formula, whatever the policy is; undefined for weight 0. */
  readonly cost: number | undefined
}

export function snapshotOf(state: EndpointState<Endpoint>): EndpointSnapshot {
  const available = state.rank === AVAILABLE
  return {
    id: state.id,
    available,
    weight: state.weight,
    share: state.share,
    inFlight: state.inFlight,
    maxInFlight: state.maxInFlight,
    picks: state.picks,
    latency: state.latency,
    latencyMs: state.meanLatencyMs,
    errorRatio: state.errorRatio,
    score: available ? healthScore(state) : 0,
  }
}

export function explanationOf(state: EndpointState<Endpoint>, verdict: Verdict): Explanation {
  return { ...snapshotOf(state), verdict, cost: state.weight === 0 ? undefined : healthCost(state) }
}
