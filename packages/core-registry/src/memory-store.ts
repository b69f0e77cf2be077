import { RegistryStaleError } from './errors.js'
import type { RegistryState } from './model.js'
import { applyOperations, EMPTY_STATE, stateOperations } from './state.js'
import type { ChangeContext, RegistryChanges, RegistryDiff, RegistryOperation, RegistryStore } from './store.js'

const DEFAULT_KEPT_CHANGES = 1_000

/** Options of {@link MemoryRegistryStore}. */
export interface MemoryRegistryStoreOptions {
  /** Changes kept for `changesSince`; whoever is further behind gets everything. A whole number >= 0. @default 1_000 */
  readonly keptChanges?: number | undefined
}

interface Change {
  readonly version: number
  readonly operations: readonly RegistryOperation[]
}

/** A registry store that lives and dies with the process: for embedding and for tests. Keeps no audit record. */
export class MemoryRegistryStore implements RegistryStore {
  readonly #keptChanges: number
  #state: RegistryState = EMPTY_STATE
  #changes: Change[] = []

  constructor(options: MemoryRegistryStoreOptions = {}) {
    const { keptChanges = DEFAULT_KEPT_CHANGES } = options
    if (!Number.isInteger(keptChanges) || keptChanges < 0) {
      throw new RangeError(`core-registry: keptChanges must be a whole number >= 0, got ${keptChanges}`)
    }
    this.#keptChanges = keptChanges
  }

  async load(): Promise<RegistryState> {
    return this.#state
  }

  async changesSince(version: number): Promise<RegistryChanges> {
    const current = this.#state.version
    const oldest = this.#changes[0]?.version ?? current + 1
    if (version > current || version < oldest - 1) {
      return { version: current, full: true, operations: stateOperations(this.#state) }
    }
    const newer = this.#changes.filter((change) => change.version > version)
    return { version: current, full: false, operations: newer.flatMap((change) => change.operations) }
  }

  async commit(diff: RegistryDiff, _by: ChangeContext): Promise<number> {
    return this.prepare(diff)()
  }

  /**
   * Checks a change without making it. What it gives makes it, if called before anything else happens, and then cannot fail.
   * @throws RegistryStaleError
   */
  prepare(diff: RegistryDiff): () => number {
    const { version } = this.#state
    if (diff.expectedVersion !== undefined && diff.expectedVersion !== version) {
      throw new RegistryStaleError(diff.expectedVersion, version)
    }
    const operations = structuredClone(diff.operations)
    const next = applyOperations(this.#state, operations, version + 1)
    return () => {
      this.#state = next
      this.#changes = [...this.#changes, { version: version + 1, operations }].slice(-this.#keptChanges || Infinity)
      return next.version
    }
  }
}
