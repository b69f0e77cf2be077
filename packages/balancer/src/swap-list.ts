/** A dense list of indices without order; adding and removing are O(1), because the last one moves into a gap. */
export class SwapList {
  readonly #items: number[]
  /** Where an index stands in its list. May be shared by lists that have no index in common. */
  readonly #slots: Int32Array

  constructor(items: readonly number[], slots: Int32Array) {
    this.#items = [...items]
    this.#slots = slots
    for (const [slot, index] of items.entries()) slots[index] = slot
  }

  get size(): number {
    return this.#items.length
  }

  at(slot: number): number {
    return this.#items[slot] ?? -1
  }

  add(index: number): void {
    this.#slots[index] = this.#items.length
    this.#items.push(index)
  }

  remove(index: number): void {
    const last = this.#items.pop()
    if (last === undefined || last === index) return
    const gap = this.#slots[index] ?? 0
    this.#items[gap] = last
    this.#slots[last] = gap
  }
}
