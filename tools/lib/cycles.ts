/** Who imports whom. */
export type Graph = ReadonlyMap<string, readonly string[]>

/** Every group of nodes that reach each other, by Tarjan's algorithm (1972); a node that names itself is a group too. */
export function cyclesOf(graph: Graph): readonly (readonly string[])[] {
  const search = new Search(graph)
  for (const node of graph.keys()) search.visit(node)
  return search.found
}

class Search {
  readonly found: string[][] = []
  readonly #graph: Graph
  readonly #index = new Map<string, number>()
  readonly #low = new Map<string, number>()
  readonly #stack: string[] = []

  constructor(graph: Graph) {
    this.#graph = graph
  }

  visit(node: string): void {
    if (this.#index.has(node)) return
    this.#open(node)
    for (const next of this.#graph.get(node) ?? []) {
      this.visit(next)
      if (this.#stack.includes(next)) this.#low.set(node, Math.min(this.#lowOf(node), this.#lowOf(next)))
    }
    if (this.#lowOf(node) === this.#index.get(node)) this.#close(node)
  }

  #open(node: string): void {
    this.#index.set(node, this.#index.size)
    this.#low.set(node, this.#index.size - 1)
    this.#stack.push(node)
  }

  #close(node: string): void {
    const group = this.#stack.splice(this.#stack.indexOf(node))
    if (group.length > 1 || this.#graph.get(node)?.includes(node)) this.found.push(group)
  }

  #lowOf(node: string): number {
    return this.#low.get(node) ?? Number.POSITIVE_INFINITY
  }
}
