import type { Candidate } from '../endpoint.js'
import { indexFrom } from '../ordinals.js'
import type { PickContext, Picker, PreparedPolicy, Random } from '../policy.js'
import { SumTree } from '../sum-tree.js'

/** A random endpoint, by weight. Keeps no order, so nobody inherits the calls of one that failed. */
export function weightedRandom(): PreparedPolicy {
  return { name: 'random', picker: () => new WeightedRandomPicker() }
}

class WeightedRandomPicker<C extends Candidate> implements Picker<C> {
  #candidates: readonly C[] = []
  #weights = new SumTree([])

  prepare(candidates: readonly C[]): void {
    this.#candidates = candidates
    this.#weights = new SumTree(candidates.map(({ weight }) => weight))
  }

  setOpen(candidate: C, open: boolean): void {
    this.#weights.set(indexFrom(this.#candidates, candidate.ordinal), open ? candidate.weight : 0)
  }

  pick(_context: PickContext, random: Random): C | undefined {
    const { total } = this.#weights
    return total > 0 ? this.#candidates[this.#weights.find(random() * total)] : undefined
  }
}
