import type {
  ChangeContext,
  RegistryChanges,
  RegistryDiff,
  RegistryState,
  RegistryStore,
} from '@mcp-platform/core-registry'

/** A registry store that tells which version each look at the database has found: users and keys count in the same numbers. */
export class ToldStore implements RegistryStore {
  readonly #store: RegistryStore
  /** Takes the version; must not throw. */
  onLook: (version: number) => void = () => undefined

  constructor(store: RegistryStore) {
    this.#store = store
  }

  load(): Promise<RegistryState> {
    return this.#store.load()
  }

  async changesSince(version: number): Promise<RegistryChanges> {
    const changes = await this.#store.changesSince(version)
    this.onLook(changes.version)
    return changes
  }

  commit(diff: RegistryDiff, by: ChangeContext): Promise<number> {
    return this.#store.commit(diff, by)
  }
}
