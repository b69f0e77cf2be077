import type {
  ChangeContext,
  RegistryChanges,
  RegistryDiff,
  RegistryState,
  RegistryStore,
} from '@mcp-platform/core-registry'
import { isDatabaseFailure } from './failure.js'

/** A registry store that remembers whether its database answered last time; the registry asks it every second. */
export class WatchedStore implements RegistryStore {
  readonly #store: RegistryStore
  #available = true

  constructor(store: RegistryStore) {
    this.#store = store
  }

  get state(): 'ok' | 'unavailable' {
    return this.#available ? 'ok' : 'unavailable'
  }

  load(): Promise<RegistryState> {
    return this.#watch(this.#store.load())
  }

  changesSince(version: number): Promise<RegistryChanges> {
    return this.#watch(this.#store.changesSince(version))
  }

  commit(diff: RegistryDiff, by: ChangeContext): Promise<number> {
    return this.#watch(this.#store.commit(diff, by))
  }

  async #watch<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer
      this.#available = true
      return value
    } catch (error) {
      if (isDatabaseFailure(error)) this.#available = false
      throw error
    }
  }
}
