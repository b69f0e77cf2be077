import type {
  ChangeContext,
  RegistryChanges,
  RegistryDiff,
  RegistryState,
  RegistryStore,
} from '@mcp-platform/core-registry'
import { isDatabaseFailure } from '../database/failure.js'
import type { SavedRegistry } from './registry-snapshot.js'

/** A registry store that begins with the last snapshot when the database does not answer; changes need the database. */
export class SnapshotStore implements RegistryStore {
  readonly #store: RegistryStore
  readonly #saved: SavedRegistry | undefined
  readonly #onUsed: (saved: SavedRegistry, error: unknown) => void

  constructor(
    store: RegistryStore,
    saved: SavedRegistry | undefined,
    onUsed: (saved: SavedRegistry, error: unknown) => void,
  ) {
    this.#store = store
    this.#saved = saved
    this.#onUsed = onUsed
  }

  async load(): Promise<RegistryState> {
    try {
      return await this.#store.load()
    } catch (error) {
      if (this.#saved === undefined || !isDatabaseFailure(error)) throw error
      this.#onUsed(this.#saved, error)
      return this.#saved.state
    }
  }

  changesSince(version: number): Promise<RegistryChanges> {
    return this.#store.changesSince(version)
  }

  commit(diff: RegistryDiff, by: ChangeContext): Promise<number> {
    return this.#store.commit(diff, by)
  }
}
