import type {
  ChangeContext,
  RegistryChanges,
  RegistryDiff,
  RegistryState,
  RegistryStore,
} from '@mcp-platform/core-registry'
import type { DatabaseWatch } from './watch.js'

/** A registry store that tells a {@link DatabaseWatch} how its database does; the registry asks it every second. */
export class WatchedStore implements RegistryStore {
  readonly #store: RegistryStore
  readonly #watch: DatabaseWatch

  constructor(store: RegistryStore, watch: DatabaseWatch) {
    this.#store = store
    this.#watch = watch
  }

  load(): Promise<RegistryState> {
    return this.#watch.read(() => this.#store.load())
  }

  changesSince(version: number): Promise<RegistryChanges> {
    return this.#watch.read(() => this.#store.changesSince(version))
  }

  commit(diff: RegistryDiff, by: ChangeContext): Promise<number> {
    return this.#watch.write(() => this.#store.commit(diff, by))
  }
}
