import type { Candidate } from '../endpoint.js'
import type { Random } from '../policy.js'

/**
 * Up to so many candidates are all looked at; above, the better of two random ones is nearly as good at a fixed price
 * (Mitzenmacher 2001). Below, looking at two is visibly worse: of two hosts it takes the busier one every fourth time
 * (Envoy, FULL_SCAN).
 */
const FULL_SCAN_MAX = 16

/** How a choice is made among candidates of (nearly) the least cost. */
interface Ties {
  readonly random: Random
  /** Costs up to so many times the least one are equal to it, >= 1. */
  readonly tieRatio: number
}

// Costs of one scan; a pick is synchronous, so one array serves all.
const costs = new Float64Array(FULL_SCAN_MAX)

/** The candidate of least cost; ties go to a random one, by weight. */
export function leastCost<C extends Candidate>(
  candidates: readonly C[],
  cost: (candidate: C) => number,
  ties: Ties,
): C {
  return candidates.length > FULL_SCAN_MAX ? betterOfTwo(candidates, cost, ties) : bestOfAll(candidates, cost, ties)
}

function bestOfAll<C extends Candidate>(
  candidates: readonly C[],
  cost: (candidate: C) => number,
  { random, tieRatio }: Ties,
): C {
  let least = Number.POSITIVE_INFINITY
  for (let at = 0; at < candidates.length; at++) {
    const value = cost(candidateAt(candidates, at))
    costs[at] = value
    if (value < least) least = value
  }
  return drawTied(candidates, least * tieRatio, random)
}

// Weighted reservoir of one (Chao 1982): the n-th tied candidate replaces the choice with probability w_n / sum(w_1..n).
function drawTied<C extends Candidate>(candidates: readonly C[], limit: number, random: Random): C {
  let chosen: C | undefined
  let weight = 0
  for (let at = 0; at < candidates.length; at++) {
    if ((costs[at] ?? 0) > limit) continue
    const candidate = candidateAt(candidates, at)
    weight += candidate.weight
    if (chosen === undefined || random() * weight < candidate.weight) chosen = candidate
  }
  return chosen ?? candidateAt(candidates, 0)
}

function betterOfTwo<C extends Candidate>(
  candidates: readonly C[],
  cost: (candidate: C) => number,
  { random, tieRatio }: Ties,
): C {
  const first = Math.floor(random() * candidates.length)
  const drawn = Math.floor(random() * (candidates.length - 1))
  const a = candidateAt(candidates, first)
  const b = candidateAt(candidates, drawn >= first ? drawn + 1 : drawn)
  const costA = cost(a)
  const costB = cost(b)
  if (costA > costB * tieRatio) return b
  if (costB > costA * tieRatio) return a
  return random() * (a.weight + b.weight) < a.weight ? a : b
}

function candidateAt<C>(candidates: readonly C[], at: number): C {
  const candidate = candidates[at]
  if (candidate === undefined) throw new RangeError(`balancer: no candidate at ${at} of ${candidates.length}`)
  return candidate
}
