import type { Candidate } from './endpoint.js'
import { indexFrom } from './ordinals.js'
import type { PickContext, Picker, Random, ScanningPolicy } from './policy.js'

/** Hands a scanning policy the open candidates: a dense list that is changed in O(log n), never filtered per pick. */
export class ScanningPicker<C extends Candidate> implements Picker<C> {
  readonly #policy: ScanningPolicy
  #prepared: readonly C[] = []
  #open: C[] = []
  /** Where a prepared candidate stands in the open list, by its index. */
  #slots = new Int32Array(0)

  constructor(policy: ScanningPolicy) {
    this.#policy = policy
  }

  prepare(candidates: readonly C[]): void {
    this.#prepared = candidates
    this.#open = [...candidates]
    this.#slots = Int32Array.from(candidates.keys())
  }

  setOpen(candidate: C, open: boolean): void {
    if (open) this.#append(candidate)
    else this.#remove(candidate)
  }

  pick(context: PickContext, random: Random): C | undefined {
    return this.#open.length === 0 ? undefined : this.#policy.pick(this.#open, context, random)
  }

  #append(candidate: C): void {
    this.#place(candidate, this.#open.length)
  }

  // The last one moves into the gap.
  #remove(candidate: C): void {
    const slot = this.#slots[this.#indexOf(candidate)] ?? 0
    const last = this.#open.pop()
    if (last !== undefined && last !== candidate) this.#place(last, slot)
  }

  #place(candidate: C, slot: number): void {
    this.#open[slot] = candidate
    this.#slots[this.#indexOf(candidate)] = slot
  }

  #indexOf(candidate: C): number {
    return indexFrom(this.#prepared, candidate.ordinal)
  }
}
