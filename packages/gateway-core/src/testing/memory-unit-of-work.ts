import type { MemoryIdentityStore } from '@mcp-platform/auth'
import type { MemoryRegistryStore } from '@mcp-platform/core-registry'
import type { UnitOfChanges, UnitOfWork, UnitVersions } from '../unit-of-work.js'

/** One unit over two stores that live and die with the process: for tests and for embedding. */
export class MemoryUnitOfWork implements UnitOfWork {
  readonly #registry: MemoryRegistryStore
  readonly #identity: MemoryIdentityStore

  constructor(registry: MemoryRegistryStore, identity: MemoryIdentityStore) {
    this.#registry = registry
    this.#identity = identity
  }

  async commit({ registry, identity }: UnitOfChanges): Promise<UnitVersions> {
    const { changes, expectedVersion, audit } = identity
    // Both are checked before either is made, and nothing can happen in between.
    const makeRegistry = this.#registry.prepare(registry.diff)
    const makeIdentity = this.#identity.prepare(changes, expectedVersion, audit)
    return { registry: makeRegistry(), identity: await makeIdentity() }
  }
}
