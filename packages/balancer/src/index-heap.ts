/** Children per node: half the levels of a binary heap, and the four keys compared share a cache line. */
const ARITY = 4

/**
 * A heap of indices 0..capacity-1, least key first; equal keys in the order `first`, `first` + 1, … around the circle.
 * Keys lie in heap order, so that sinking does not jump about in memory. No allocation after construction.
 */
export class IndexHeap {
  readonly #first: number
  readonly #capacity: number
  readonly #items: Int32Array
  readonly #keys: Float64Array
  #size = 0

  constructor(capacity: number, first: number) {
    this.#capacity = capacity
    this.#first = first
    this.#items = new Int32Array(capacity)
    this.#keys = new Float64Array(capacity)
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
    return this.#keys[0] ?? 0
  }

  push(index: number, key: number): void {
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 2
      if (!this.#isBefore(index, key, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#items[at] = index
    this.#keys[at] = key
  }

  /** Removes and returns `top`. */
  pop(): number {
    const top = this.top
    const last = --this.#size
    if (last > 0) this.#sink(this.#items[last] ?? -1, this.#keys[last] ?? 0)
    return top
  }

  #sink(index: number, key: number): void {
    let at = 0
    for (;;) {
      const child = this.#leastChild(at)
      if (child < 0 || this.#isBefore(index, key, child)) break
      this.#move(child, at)
      at = child
    }
    this.#items[at] = index
    this.#keys[at] = key
  }

  #leastChild(at: number): number {
    const start = ARITY * at + 1
    if (start >= this.#size) return -1
    const end = Math.min(start + ARITY, this.#size)
    let least = start
    let leastKey = this.#keys[start] ?? 0
    for (let child = start + 1; child < end; child++) {
      const key = this.#keys[child] ?? 0
      if (key > leastKey || (key === leastKey && !this.#isBefore(this.#items[child] ?? -1, key, least))) continue
      least = child
      leastKey = key
    }
    return least
  }

  #move(from: number, to: number): void {
    this.#items[to] = this.#items[from] ?? -1
    this.#keys[to] = this.#keys[from] ?? 0
  }

  #isBefore(index: number, key: number, at: number): boolean {
    const other = this.#keys[at] ?? 0
    return key < other || (key === other && this.#place(index) < this.#place(this.#items[at] ?? -1))
  }

  #place(index: number): number {
    return index >= this.#first ? index - this.#first : index - this.#first + this.#capacity
  }
}
