import type { Candidate } from '../endpoint.js'
import type { ScanningPolicy } from '../policy.js'
import { leastCost } from './least-cost.js'

/** How much the error ratio raises the cost. Simulated with 1, 4 and 16: it hardly matters, the latency jump does the work. */
const ERROR_FACTOR = 4

/**
 * A latency up to twice or down to half the usual is noise. Times of real calls scatter so widely that without this
 * zone one of two equal endpoints with little to do gets up to 40 % more calls than the other (simulated, log-normal, sigma 1).
 */
const LATENCY_NOISE = 2

/** Costs closer than this are a tie: a choice that is as good as equal should be fair rather than exact. */
const TIE_RATIO = 1.1

/** How fast a score falls with latency: four times the usual latency more halves it. */
const SCORE_LATENCY_SCALE = 4

/** Smallest cost, see `healthCost`. Sees slow and failing endpoints and leaves them before a circuit opens. */
export function healthBased(): ScanningPolicy {
  return {
    name: 'health_based',
    pick: (candidates, _context, random) => leastCost(candidates, healthCost, { random, tieRatio: TIE_RATIO }),
  }
}

/**
 * What one more call costs there: latency beyond noise x (in flight + 1) x (1 + 4 x error ratio) / weight. The two figures for recent
 * failures, ours and that of `Fitness`, are two views of the same calls, so the larger one counts and not their product.
 * After Finagle's and Linkerd's peak EWMA.
 */
export function healthCost(candidate: Candidate): number {
  const errors = Math.max(1 + ERROR_FACTOR * candidate.errorRatio, candidate.penalty)
  return (beyondNoise(candidate.latency) * (candidate.inFlight + 1) * errors) / candidate.weight
}

function beyondNoise(latency: number): number {
  if (latency > LATENCY_NOISE) return latency / LATENCY_NOISE
  return Math.min(1, latency * LATENCY_NOISE)
}

/** 0..100 for people; policies read the cost. 100 = whole share, no failures, usual latency or better. */
export function healthScore({
  share,
  errorRatio,
  latency,
}: Pick<Candidate, 'share' | 'errorRatio' | 'latency'>): number {
  return Math.round((100 * share * (1 - errorRatio)) / (1 + Math.max(0, latency - 1) / SCORE_LATENCY_SCALE))
}
