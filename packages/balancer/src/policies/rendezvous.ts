import type { Candidate } from '../endpoint.js'
import { hashOf, mix } from '../hash.js'
import type { PickContext, Random, ScanningPolicy } from '../policy.js'

/** No endpoint takes more than this times its fair part of the calls in flight (Mirrokni et al. 2016; HAProxy says 1.25 to 2). */
const BOUNDED_LOAD = 1.5

/**
 * The same endpoint for the same affinity key, as long as it is there and not overloaded: highest random weight
 * (Thaler and Ravishankar 1998) with bounded load. When one of n endpoints leaves, only its keys move. Without a key, random.
 */
export function rendezvous(): ScanningPolicy {
  return { name: 'rendezvous', pick }
}

function pick<C extends Candidate>(candidates: readonly C[], context: PickContext, random: Random): C {
  const keyHash = context.affinityKey === undefined ? Math.floor(random() * 2 ** 32) : hashOf(context.affinityKey)
  const callsPerWeight = boundPerWeight(candidates)
  let best: C | undefined
  let bestDraw = 0
  for (const candidate of candidates) {
    if (candidate.inFlight >= Math.ceil(callsPerWeight * candidate.weight)) continue
    const draw = mix(candidate.idHash ^ keyHash)
    if (best !== undefined && !wins(draw, candidate, bestDraw, best)) continue
    best = candidate
    bestDraw = draw
  }
  return best ?? leastLoaded(candidates)
}

function wins(draw: number, candidate: Candidate, bestDraw: number, best: Candidate): boolean {
  // Of equal weights the higher draw wins; the logarithms would say the same at ten times the price.
  if (candidate.weight === best.weight && draw !== bestDraw) return draw > bestDraw
  const difference = rankOf(draw, candidate.weight) - rankOf(bestDraw, best.weight)
  return difference < 0 || (difference === 0 && candidate.ordinal < best.ordinal)
}

function boundPerWeight(candidates: readonly Candidate[]): number {
  let calls = 1
  let weight = 0
  for (const candidate of candidates) {
    calls += candidate.inFlight
    weight += candidate.weight
  }
  return (BOUNDED_LOAD * calls) / weight
}

// -ln(u) / w is exponentially distributed with rate w, so the smallest one belongs to each candidate in proportion to its
// weight, and a changed weight moves only keys from or to that candidate.
function rankOf(draw: number, weight: number): number {
  return -Math.log((draw + 0.5) / 2 ** 32) / weight
}

// The bounds add up to more than all calls, so somebody is below; this is for what rounding may do to huge weights.
function leastLoaded<C extends Candidate>(candidates: readonly C[]): C {
  return candidates.reduce((a, b) => (b.inFlight / b.weight < a.inFlight / a.weight ? b : a))
}
