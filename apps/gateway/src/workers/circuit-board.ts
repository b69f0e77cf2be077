import type { StoredCircuit, TargetView } from '@mcp-platform/health'
import type { CircuitStep } from './protocol.js'

const RANK = { closed: 0, 'half-open': 1, open: 2 } as const

/** The circuits of all workers, by instance. */
export class CircuitBoard {
  readonly #workers: () => number
  readonly #circuits = new Map<string, Map<string, StoredCircuit>>()

  /** `workers`: how many there are now. */
  constructor(workers: () => number) {
    this.#workers = workers
  }

  set(home: string, { template, event }: CircuitStep): void {
    const key = keyOf(template, event.id)
    const circuits = this.#circuits.get(key) ?? new Map<string, StoredCircuit>()
    this.#circuits.set(key, circuits)
    if (event.to === 'closed') circuits.delete(home)
    else circuits.set(home, event.circuit)
    if (circuits.size === 0) this.#circuits.delete(key)
  }

  /** A worker is gone, and its circuits with it. */
  forget(home: string): void {
    for (const [key, circuits] of this.#circuits) {
      circuits.delete(home)
      if (circuits.size === 0) this.#circuits.delete(key)
    }
  }

  /** The worst circuit of each instance: what a new worker begins with. */
  worst(): StoredCircuit[] {
    return [...this.#circuits.values()].flatMap((circuits) => worstOf(circuits.values()) ?? [])
  }

  /**
   * A view with the worst of all circuits. The instance is `ejected` when no worker sends it calls, `degraded` when
   * some do not.
   */
  overlay(template: string, view: TargetView): TargetView {
    const circuits = this.#circuits.get(keyOf(template, view.id))
    const worst = circuits && worstOf(circuits.values())
    if (!worst || !circuits || !view.healthy) return view
    const everywhere = circuits.size >= this.#workers()
    const { state, openUntil, opens, since } = worst
    return {
      ...view,
      status: everywhere ? 'ejected' : 'degraded',
      healthy: !everywhere,
      available: !everywhere,
      score: everywhere ? 0 : view.score,
      circuit: { state, openUntil, opens, since },
    }
  }
}

function worstOf(circuits: Iterable<StoredCircuit>): StoredCircuit | undefined {
  let worst: StoredCircuit | undefined
  for (const circuit of circuits) if (worst === undefined || RANK[circuit.state] > RANK[worst.state]) worst = circuit
  return worst
}

function keyOf(template: string, id: string): string {
  return `${template}/${id}`
}
