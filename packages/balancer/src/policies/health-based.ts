import type { Candidate } from '../endpoint.js'
import type { ScanningPolicy } from '../policy.js'
import { leastCost } from './least-cost.js'

/** How much the error ratio raises the cost. Simulated with 1, 4 and 16: it hardly matters, the latency jump does the work. */
const ERROR_FACTOR = 4

/** How fast a score falls with latency: four times the usual latency more halves it. */
const SCORE_LATENCY_SCALE = 4

/** Smallest cost, see `healthCost`. Sees slow and failing endpoints and leaves them before a circuit opens. */
export function healthBased(): ScanningPolicy {
  return { name: 'health_based', pick: (candidates, _context, random) => leastCost(candidates, healthCost, random) }
}

/**
 * What one more call costs there: latency x (in flight + 1) x (1 + 4 x error ratio) / weight. The two figures for recent
 * failures, ours and that of `Fitness`, are two views of the same calls, so the larger one counts and not their product.
 * After Finagle's and Linkerd's peak EWMA.
 */
export function healthCost(candidate: Candidate): number {
  const errors = Math.max(1 + ERROR_FACTOR * candidate.errorRatio, candidate.penalty)
  return (candidate.latency * (candidate.inFlight + 1) * errors) / candidate.weight
}

/** 0..100 for people; policies read the cost. 100 = whole share, no failures, usual latency or better. */
export function healthScore({
  share,
  errorRatio,
  latency,
}: Pick<Candidate, 'share' | 'errorRatio' | 'latency'>): number {
  return Math.round((100 * share * (1 - errorRatio)) / (1 + Math.max(0, latency - 1) / SCORE_LATENCY_SCALE))
}
