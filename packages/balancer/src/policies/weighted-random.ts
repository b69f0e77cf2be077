import type { Candidate } from '../endpoint.js'
import { indexFrom } from '../ordinals.js'
import type { PickContext, Picker, PreparedPolicy, Random } from '../policy.js'
import { SumTree } from '../sum-tree.js'
import { SwapList } from '../swap-list.js'
import { groupByWeight, type WeightGroups } from '../weight-groups.js'

/** A random endpoint, by weight. Keeps no order, so nobody inherits the calls of one that failed. */
export function weightedRandom(): PreparedPolicy {
  return { name: 'random', picker: () => new WeightedRandomPicker() }
}

const NOTHING: WeightGroups = groupByWeight(new Float64Array(0))

/** Draws a weight, then one of the open candidates of that weight. */
class WeightedRandomPicker<C extends Candidate> implements Picker<C> {
  #candidates: readonly C[] = []
  #groups = NOTHING
  #totals = new SumTree([])
  #open: SwapList[] = []

  prepare(candidates: readonly C[]): void {
    this.#candidates = candidates
    this.#groups = groupByWeight(Float64Array.from(candidates, ({ weight }) => weight))
    const slots = new Int32Array(candidates.length)
    this.#open = this.#groups.members.map((members) => new SwapList(members, slots))
    this.#totals = new SumTree(this.#open.map((_list, group) => this.#totalOf(group)))
  }

  setOpen(candidate: C, open: boolean): void {
    const index = indexFrom(this.#candidates, candidate.ordinal)
    const group = this.#groups.groupOf[index] ?? 0
    if (open) this.#open[group]?.add(index)
    else this.#open[group]?.remove(index)
    this.#totals.set(group, this.#totalOf(group))
  }

  pick(_context: PickContext, random: Random): C | undefined {
    const { total } = this.#totals
    if (total === 0) return undefined
    const list = this.#open[this.#totals.find(random() * total)]
    return list && this.#candidates[list.at(Math.floor(random() * list.size))]
  }

  #totalOf(group: number): number {
    return (this.#groups.weights[group] ?? 0) * (this.#open[group]?.size ?? 0)
  }
}
