/**
 * Numbers >= 0 that can be changed and drawn by proportion in O(log n). A node is always the sum of its two children
 * (never adjusted by a difference), so that an index set to 0 is never drawn, however often others changed.
 */
export class SumTree {
  readonly #leaves: number
  readonly #nodes: Float64Array

  constructor(values: readonly number[]) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, values.length)))
    this.#nodes = new Float64Array(2 * this.#leaves)
    this.#nodes.set(values, this.#leaves)
    for (let node = this.#leaves - 1; node >= 1; node--) this.#nodes[node] = this.#sum(node)
  }

  get total(): number {
    return this.#nodes[1] ?? 0
  }

  set(index: number, value: number): void {
    let node = this.#leaves + index
    this.#nodes[node] = value
    for (node >>= 1; node >= 1; node >>= 1) this.#nodes[node] = this.#sum(node)
  }

  /** The index at `point` of 0..total when all values lie end to end. The total must be > 0. */
  find(point: number): number {
    const nodes = this.#nodes
    let rest = point
    let node = 1
    while (node < this.#leaves) {
      node *= 2
      const left = nodes[node] ?? 0
      // Rounding may leave a rest that points past the last value; an empty right side is never entered.
      if (rest < left || nodes[node + 1] === 0) continue
      rest -= left
      node++
    }
    return node - this.#leaves
  }

  #sum(node: number): number {
    return (this.#nodes[2 * node] ?? 0) + (this.#nodes[2 * node + 1] ?? 0)
  }
}
