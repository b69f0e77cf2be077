import type { Candidate } from '../endpoint.js'
import type { PickContext, Random, ScanningPolicy } from '../policy.js'
import { leastCost } from './least-cost.js'

/** Cost of an endpoint that is at work but has answered nothing yet: dearer than any that has (Finagle). */
const UNKNOWN_COST = 1_000_000

/**
 * Peak-sensitive latency x (in flight + 1), power of two choices above 16 endpoints. Latency is in milliseconds, whatever was
 * asked: for servers whose calls are alike. A failure is observed as 5 s or its Retry-After (Finagle, Linkerd).
 */
export function peakEwma(): ScanningPolicy {
  return { name: 'peak_ewma', pick }
}

function pick<C extends Candidate>(candidates: readonly C[], _context: PickContext, random: Random): C {
  return leastCost(candidates, peakCost, { random, tieRatio: 1 })
}

function peakCost({ peakLatencyMs, inFlight, penalty, weight }: Candidate): number {
  if (peakLatencyMs === 0) return inFlight === 0 ? 0 : (UNKNOWN_COST + inFlight) / weight
  return (peakLatencyMs * (inFlight + 1) * penalty) / weight
}
