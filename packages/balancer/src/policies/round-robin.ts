import type { Candidate } from '../endpoint.js'
import { OpenSet } from '../open-set.js'
import { indexFrom } from '../ordinals.js'
import type { PickContext, Picker, PreparedPolicy, Random } from '../policy.js'

/**
 * Each in turn, in an order that survives changes of the set; begins anywhere, so that many balancers that start together
 * do not all call the same endpoint. Weights are ignored, but in slow start an endpoint lets some of its turns pass.
 */
export function roundRobin(): PreparedPolicy {
  return { name: 'round_robin', picker: (random) => new RoundRobinPicker(random) }
}

class RoundRobinPicker<C extends Candidate> implements Picker<C> {
  readonly #random: Random
  #candidates: readonly C[] = []
  #open = new OpenSet(0)
  #slowed = false
  #next = 0
  #picked = -1
  /** Ordinal of the last one taken: the place in the order that outlives the set. */
  #last: number | undefined

  constructor(random: Random) {
    this.#random = random
  }

  prepare(candidates: readonly C[]): void {
    this.#candidates = candidates
    this.#open = new OpenSet(candidates.length)
    this.#slowed = candidates.some(({ share }) => share < 1)
    this.#next =
      this.#last === undefined ? Math.floor(this.#random() * candidates.length) : indexFrom(candidates, this.#last + 1)
  }

  setOpen(candidate: C, open: boolean): void {
    this.#open.set(indexFrom(this.#candidates, candidate.ordinal), open)
  }

  pick(_context: PickContext, random: Random): C | undefined {
    const first = this.#openFrom(this.#next)
    this.#picked = this.#slowed && first >= 0 ? this.#passTurns(first, random) : first
    return this.#candidates[this.#picked]
  }

  taken(): void {
    this.#last = this.#candidates[this.#picked]?.ordinal
    this.#next = this.#picked + 1
  }

  // One at 10 % takes every tenth of its turns. After one round the first gets it: somebody must.
  #passTurns(first: number, random: Random): number {
    let at = first
    do {
      if (random() < (this.#candidates[at]?.share ?? 1)) return at
      at = this.#openFrom(at + 1)
    } while (at !== first)
    return first
  }

  #openFrom(index: number): number {
    const next = this.#open.next(index)
    return next >= 0 || index === 0 ? next : this.#open.next(0)
  }
}
