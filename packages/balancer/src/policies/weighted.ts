import type { Candidate } from '../endpoint.js'
import { indexFrom } from '../ordinals.js'
import type { PickContext, Picker, PreparedPolicy, Random } from '../policy.js'
import { TurnPlan } from '../turn-plan.js'

/**
 * Smooth weighted round robin: every window of sum(w) picks holds each endpoint exactly w times, evenly spaced, and at
 * every moment each has had its part within one pick, fractional weights too.
 *
 * nginx's form (always the largest deficit) costs O(n) and keeps the second promise only roughly: with weights like
 * 1, 1, 1, 4, 48, 51, 59 it strays by 1.2 picks. This is earliest deadline first over eligible turns (Bennett and Zhang 1996,
 * WF2Q; Stoica et al. 1996, EEVDF) in O(log of the number of distinct weights);
 * see `TurnPlan`.
 */
export function weighted(): PreparedPolicy {
  return { name: 'weighted', picker: (random) => new WeightedPicker(random) }
}

const NONE = new Float64Array(0)

class WeightedPicker<C extends Candidate> implements Picker<C> {
  /** Where the circle of equals begins, 0..1: many balancers that start together do not all call the same endpoint. */
  readonly #start: number
  #candidates: readonly C[] = []
  #plan: TurnPlan = new TurnPlan(NONE, NONE, 0)

  constructor(random: Random) {
    this.#start = random()
  }

  prepare(candidates: readonly C[]): void {
    const owed = Float64Array.from(candidates, ({ ordinal }) => {
      const before = this.#indexOf(ordinal)
      return before < 0 ? 0 : this.#plan.owed(before)
    })
    const weights = Float64Array.from(candidates, ({ weight }) => weight)
    this.#plan = new TurnPlan(weights, owed, Math.floor(this.#start * candidates.length))
    this.#candidates = candidates
  }

  setOpen(candidate: C, open: boolean): void {
    this.#plan.setOpen(indexFrom(this.#candidates, candidate.ordinal), open)
  }

  pick(_context: PickContext, _random: Random): C | undefined {
    return this.#candidates[this.#plan.next()]
  }

  taken(): void {
    this.#plan.take()
  }

  #indexOf(ordinal: number): number {
    const index = indexFrom(this.#candidates, ordinal)
    return this.#candidates[index]?.ordinal === ordinal ? index : -1
  }
}
