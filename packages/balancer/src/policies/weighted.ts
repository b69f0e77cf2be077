import type { Candidate } from '../endpoint.js'
import { IndexHeap } from '../index-heap.js'
import { indexFrom } from '../ordinals.js'
import type { PickContext, Picker, PreparedPolicy, Random } from '../policy.js'

/**
 * Smooth weighted round robin: every window of sum(w) picks holds each endpoint exactly w times, evenly spaced, and at
 * every moment each has had its part within one pick, fractional weights too.
 *
 * nginx's form (always the largest deficit) costs O(n) and keeps the second promise only roughly: with weights like
 * 1, 1, 1, 4, 48, 51, 59 it strays by 1.2 picks. This is earliest deadline first over eligible turns (Bennett and Zhang 1996,
 * WF2Q; Stoica et al. 1996, EEVDF) in O(log n): turn k of an endpoint with fraction s = w / sum(w) may start at pick k / s
 * and must be over by pick (k + 1) / s.
 */
export function weighted(): PreparedPolicy {
  return { name: 'weighted', picker: (random) => new WeightedPicker(random) }
}

const NONE = new Float64Array(0)

/** Beyond this, one more pick is not seen in a number any more. Only absurdly small weights get there. */
const LATEST_TIME = 2 ** 52

class WeightedPicker<C extends Candidate> implements Picker<C> {
  readonly #random: Random
  #candidates: readonly C[] = []
  #plan: TurnPlan = new TurnPlan(NONE, NONE, NONE)

  constructor(random: Random) {
    this.#random = random
  }

  prepare(candidates: readonly C[]): void {
    const owed = new Float64Array(candidates.length)
    const ranks = new Float64Array(candidates.length)
    for (let index = 0; index < candidates.length; index++) {
      const before = this.#indexOf(candidates[index]?.ordinal ?? -1)
      owed[index] = before < 0 ? 0 : this.#plan.owed(before)
      ranks[index] = before < 0 ? this.#random() : this.#plan.rank(before)
    }
    this.#candidates = candidates
    this.#plan = new TurnPlan(weightsOf(candidates), owed, ranks)
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

function weightsOf(candidates: readonly Candidate[]): Float64Array {
  return Float64Array.from(candidates, ({ weight }) => weight)
}

/** Whose turn it is, by index. Time is counted in picks and is a whole number, so that integer weights compare exactly. */
class TurnPlan {
  readonly #weights: Float64Array
  readonly #ranks: Float64Array
  readonly #turns: Float64Array
  readonly #closed: Uint8Array
  readonly #parked: Uint8Array
  readonly #eligible: IndexHeap
  readonly #waiting: IndexHeap
  readonly #sum: number
  #time = 0

  /** `owed`: picks that each had too few so far; the sum is brought to zero, as if time had been moved. */
  constructor(weights: Float64Array, owed: Float64Array, ranks: Float64Array) {
    this.#weights = weights
    this.#ranks = ranks
    this.#sum = this.#weights.reduce((a, b) => a + b, 0)
    const surplus = owed.reduce((a, b) => a + b, 0)
    this.#turns = owed.map((picks, index) => -picks + surplus * this.#fraction(index))
    this.#closed = new Uint8Array(ranks.length)
    this.#parked = new Uint8Array(ranks.length)
    this.#eligible = new IndexHeap(ranks)
    this.#waiting = new IndexHeap(ranks)
    for (let index = 0; index < ranks.length; index++) this.#enlist(index)
  }

  /** Picks that it had too few (or, if negative, too many) until now. Turns that it could not take are not owed. */
  owed(index: number): number {
    const owed = this.#time * this.#fraction(index) - this.#turn(index)
    return this.#parked[index] === 1 ? Math.min(0, owed) : owed
  }

  rank(index: number): number {
    return this.#ranks[index] ?? 0
  }

  setOpen(index: number, open: boolean): void {
    this.#closed[index] = open ? 0 : 1
    if (!open || this.#parked[index] !== 1) return
    this.#parked[index] = 0
    // Turns that it could not take are lost, not made up for in a burst; by whole turns, so that integer weights stay exact.
    this.#turns[index] = this.#turn(index) + Math.max(0, Math.ceil(this.owed(index)))
    this.#enlist(index)
  }

  /** Index whose turn it is; -1 if all are closed. */
  next(): number {
    for (;;) {
      this.#admit()
      while (this.#eligible.size > 0) {
        if (this.#closed[this.#eligible.top] === 0) return this.#eligible.top
        this.#parked[this.#eligible.pop()] = 1
      }
      if (this.#waiting.size === 0) return -1
      // Only closed endpoints have a turn now: theirs are skipped.
      this.#time = Math.min(LATEST_TIME, Math.floor(this.#waiting.topKey))
      this.#makeEligible(this.#waiting.pop())
    }
  }

  /** The one that `next` returned was picked. */
  take(): void {
    const index = this.#eligible.pop()
    this.#turns[index] = this.#turn(index) + 1
    this.#time++
    this.#enlist(index)
  }

  #admit(): void {
    while (this.#waiting.size > 0 && this.#waiting.topKey < this.#time + 1) this.#makeEligible(this.#waiting.pop())
  }

  #enlist(index: number): void {
    const start = (this.#turn(index) * this.#sum) / this.#weight(index)
    if (start >= this.#time + 1) this.#waiting.push(index, start)
    else this.#makeEligible(index)
  }

  #makeEligible(index: number): void {
    this.#eligible.push(index, ((this.#turn(index) + 1) * this.#sum) / this.#weight(index))
  }

  #fraction(index: number): number {
    return this.#weight(index) / this.#sum
  }

  #weight(index: number): number {
    return this.#weights[index] ?? 0
  }

  #turn(index: number): number {
    return this.#turns[index] ?? 0
  }
}
