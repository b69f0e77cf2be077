/** A first-in-first-out queue of at most as many indices as it was made from; no allocation after construction. */
export class Ring {
  readonly #items: Int32Array
  #head = 0
  #size: number

  constructor(items: readonly number[]) {
    this.#items = Int32Array.from(items)
    this.#size = items.length
  }

  get size(): number {
    return this.#size
  }

  /** The oldest; the ring must not be empty. */
  get first(): number {
    return this.#items[this.#head] ?? -1
  }

  /** The newest; the ring must not be empty. */
  get last(): number {
    return this.#items[this.#at(this.#size - 1)] ?? -1
  }

  push(index: number): void {
    this.#items[this.#at(this.#size++)] = index
  }

  /** Removes and returns the oldest. */
  shift(): number {
    const first = this.first
    this.#head = this.#at(1)
    this.#size--
    return first
  }

  #at(offset: number): number {
    const at = this.#head + offset
    return at < this.#items.length ? at : at - this.#items.length
  }
}
