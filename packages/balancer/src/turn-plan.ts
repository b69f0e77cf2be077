import { IndexHeap } from './index-heap.js'
import { Ring } from './ring.js'
import { groupByWeight } from './weight-groups.js'

/** Beyond this, one more pick is not seen in a number any more. Only absurdly small weights get there. */
const LATEST_TIME = 2 ** 52

/**
 * Whose turn it is, by index. Turn k of an index with fraction s = weight / sum may start at pick k / s and should be over by
 * pick (k + 1) / s; of those that may start, the earliest deadline is first. Indices of one weight have equal
 * periods, so they take turns in a ring, and only one per distinct weight stands in a heap.
 *
 * Time is counted in picks and is a whole number, so that integer weights compare exactly.
 */
export class TurnPlan {
  readonly #weights: Float64Array
  readonly #sum: number
  /** The next turn of each index, k above. */
  readonly #turns: Float64Array
  readonly #closed: Uint8Array
  /** Taken out of its ring because it was closed when its turn came. */
  readonly #parked: Uint8Array
  readonly #groupOf: Int32Array
  readonly #rings: readonly Ring[]
  readonly #eligible: IndexHeap
  readonly #waiting: IndexHeap
  #time = 0

  /**
   * `owed`: picks that each index had too few so far; their sum is brought to zero, as if time had been moved.
   * `first`: the index that is first among equals.
   */
  constructor(weights: Float64Array, owed: Float64Array, first: number) {
    this.#weights = weights
    this.#sum = sum(weights)
    const surplus = sum(owed)
    this.#turns = owed.map((picks, index) => surplus * this.#fraction(index) - picks)
    this.#closed = new Uint8Array(weights.length)
    this.#parked = new Uint8Array(weights.length)
    const groups = groupByWeight(weights)
    this.#groupOf = groups.groupOf
    this.#rings = groups.members.map((members) => this.#ringOf(members, first))
    const firstGroup = groups.groupOf[first] ?? 0
    this.#eligible = new IndexHeap(this.#rings.length, firstGroup)
    this.#waiting = new IndexHeap(this.#rings.length, firstGroup)
    for (const group of this.#rings.keys()) this.#enlist(group)
  }

  /** Picks that it had too few (or, if negative, too many) until now. Turns that it could not take are not owed. */
  owed(index: number): number {
    const owed = this.#time * this.#fraction(index) - this.#turn(index)
    return this.#parked[index] === 1 ? Math.min(0, owed) : owed
  }

  setOpen(index: number, open: boolean): void {
    this.#closed[index] = open ? 0 : 1
    if (open && this.#parked[index] === 1) this.#unpark(index)
  }

  /** Index whose turn it is; -1 if all are closed. */
  next(): number {
    for (;;) {
      this.#admit()
      while (this.#eligible.size > 0) {
        const index = this.#ring(this.#eligible.top).first
        if (this.#closed[index] === 0) return index
        this.#park()
      }
      if (this.#waiting.size === 0) return -1
      // Only closed ones have a turn now: theirs are skipped.
      this.#time = Math.min(LATEST_TIME, Math.floor(this.#waiting.topKey))
      this.#makeEligible(this.#waiting.pop())
    }
  }

  /** The one that `next` returned was picked. */
  take(): void {
    const group = this.#eligible.pop()
    const ring = this.#ring(group)
    const index = ring.shift()
    this.#turns[index] = this.#turn(index) + 1
    ring.push(index)
    this.#time++
    this.#enlist(group)
  }

  #park(): void {
    const group = this.#eligible.pop()
    const ring = this.#ring(group)
    this.#parked[ring.shift()] = 1
    if (ring.size > 0) this.#enlist(group)
  }

  // Turns that it could not take are lost, not made up for in a burst; by whole turns, so that integer weights stay exact.
  #unpark(index: number): void {
    const group = this.#groupOf[index] ?? 0
    const ring = this.#ring(group)
    this.#parked[index] = 0
    const next = this.#turn(index) + Math.max(0, Math.ceil(this.#time * this.#fraction(index) - this.#turn(index)))
    this.#turns[index] = ring.size === 0 ? next : Math.max(next, this.#turn(ring.last))
    ring.push(index)
    if (ring.size === 1) this.#enlist(group)
  }

  #admit(): void {
    while (this.#waiting.size > 0 && this.#waiting.topKey < this.#time + 1) this.#makeEligible(this.#waiting.pop())
  }

  #enlist(group: number): void {
    const index = this.#ring(group).first
    const start = (this.#turn(index) * this.#sum) / this.#weight(index)
    if (start >= this.#time + 1) this.#waiting.push(group, start)
    else this.#makeEligible(group)
  }

  #makeEligible(group: number): void {
    const index = this.#ring(group).first
    this.#eligible.push(group, ((this.#turn(index) + 1) * this.#sum) / this.#weight(index))
  }

  // By turn; no two are further apart than one turn, so that whoever took one belongs at the end.
  #ringOf(members: readonly number[], first: number): Ring {
    const circle = [...members.filter((index) => index >= first), ...members.filter((index) => index < first)]
    const sorted = circle.sort((a, b) => this.#turn(a) - this.#turn(b))
    const latest = this.#turn(sorted[0] ?? 0) + 1
    for (const index of sorted) this.#turns[index] = Math.min(this.#turn(index), latest)
    return new Ring(sorted)
  }

  #ring(group: number): Ring {
    const ring = this.#rings[group]
    if (ring === undefined) throw new RangeError(`balancer: no weight group ${group}`)
    return ring
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

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0)
}
