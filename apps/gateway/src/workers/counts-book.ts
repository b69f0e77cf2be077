import { addCounts, type GatewayCounts, settled } from '@mcp-platform/gateway-core'

const NONE: GatewayCounts = { total: { requests: 0, errors: 0, inFlight: 0, latency: [] }, templates: {} }

/** What the workers have counted: those that live, each as it said last, and all that are gone in one sum. */
export class CountsBook {
  readonly #living = new Map<string, GatewayCounts>()
  #gone: GatewayCounts = NONE

  /** Takes in what a worker says; instances that it leaves out are as they were. */
  update(home: string, counts: GatewayCounts): void {
    const known = this.#living.get(home)
    const templates = Object.entries(counts.templates).map(([name, template]) => {
      const instances = { ...known?.templates[name]?.instances, ...template.instances }
      return [name, { ...template, instances }] as const
    })
    this.#living.set(home, { total: counts.total, templates: Object.fromEntries(templates) })
  }

  /** A worker is gone: what it counted stays, what it had in flight does not. */
  depart(home: string): void {
    const last = this.#living.get(home)
    this.#living.delete(home)
    if (last !== undefined) this.#gone = addCounts(this.#gone, settled(last))
  }

  all(): readonly GatewayCounts[] {
    return [this.#gone, ...this.#living.values()]
  }
}
