import type { CircuitChange, CircuitStore, StoredCircuit } from '../store.js'

/** Keeps circuits in memory: for tests, and the plainest implementation of the port. */
export class MemoryCircuitStore implements CircuitStore {
  readonly #circuits = new Map<string, StoredCircuit>()

  load(): Promise<readonly StoredCircuit[]> {
    return Promise.resolve([...this.#circuits.values()])
  }

  save(changes: readonly CircuitChange[]): Promise<void> {
    for (const change of changes) {
      if (change.kind === 'set') this.#circuits.set(keyOf(change.circuit), change.circuit)
      else this.#circuits.delete(keyOf(change))
    }
    return Promise.resolve()
  }
}

function keyOf({ group, id }: { group: string; id: string }): string {
  return JSON.stringify([group, id])
}
