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
  let bestRank = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    if (candidate.inFlight >= Math.ceil(callsPerWeight * candidate.weight)) continue
    const rank = rankOf(candidate, keyHash)
    if (best === undefined || rank < bestRank || (rank === bestRank && candidate.ordinal < best.ordinal)) {
      best = candidate
      bestRank = rank
    }
  }
  return best ?? leastLoaded(candidates)
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
function rankOf({ idHash, weight }: Candidate, keyHash: number): number {
  return -Math.log((mix(idHash ^ keyHash) + 0.5) / 2 ** 32) / weight
}

// The bounds add up to more than all calls, so somebody is below; this is for what rounding may do to huge weights.
function leastLoaded<C extends Candidate>(candidates: readonly C[]): C {
  return candidates.reduce((a, b) => (b.inFlight / b.weight < a.inFlight / a.weight ? b : a))
}
