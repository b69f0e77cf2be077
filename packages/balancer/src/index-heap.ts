/** A binary heap of indices 0..capacity-1, least key first, equal keys by rank. No allocation after construction. */
export class IndexHeap {
  readonly #items: Int32Array
  readonly #keys: Float64Array
  readonly #ranks: Float64Array
  #size = 0

  constructor(ranks: Float64Array) {
    this.#ranks = ranks
    this.#items = new Int32Array(ranks.length)
    this.#keys = new Float64Array(ranks.length)
  }

  get size(): number {
    return this.#size
  }

  /** Index with the least key; the heap must not be empty. */
  get top(): number {
    return this.#items[0] ?? -1
  }

  /** Key of `top`. */
  get topKey(): number {
    return this.#key(this.top)
  }

  push(index: number, key: number): void {
    this.#keys[index] = key
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.#item(parent)
      if (!this.#before(index, above)) break
      this.#items[at] = above
      at = parent
    }
    this.#items[at] = index
  }

  /** Removes and returns `top`. */
  pop(): number {
    const top = this.top
    const last = this.#item(--this.#size)
    if (this.#size > 0) this.#sink(last)
    return top
  }

  #sink(index: number): void {
    let at = 0
    for (;;) {
      const child = this.#lesserChild(at)
      if (child >= this.#size || !this.#before(this.#item(child), index)) break
      this.#items[at] = this.#item(child)
      at = child
    }
    this.#items[at] = index
  }

  #lesserChild(at: number): number {
    const left = 2 * at + 1
    const right = left + 1
    return right < this.#size && this.#before(this.#item(right), this.#item(left)) ? right : left
  }

  #before(a: number, b: number): boolean {
    const difference = this.#key(a) - this.#key(b)
    return difference < 0 || (difference === 0 && (this.#ranks[a] ?? 0) < (this.#ranks[b] ?? 0))
  }

  #item(at: number): number {
    return this.#items[at] ?? -1
  }

  #key(index: number): number {
    return this.#keys[index] ?? 0
  }
}
