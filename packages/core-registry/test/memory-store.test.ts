import { describe, expect, it } from '@jest/globals'
import { MemoryRegistryStore } from '../src/index.js'
import { registryStoreConformance } from '../src/testing.js'

registryStoreConformance({ describe, it, expect }, async () => ({
  store: new MemoryRegistryStore(),
  close: async () => undefined,
}))

describe('MemoryRegistryStore', () => {
  it('sends everything to whoever is further behind than it remembers', async () => {
    const store = new MemoryRegistryStore({ keptChanges: 2 })
    for (const name of ['a', 'b', 'c']) {
      await store.commit(
        { operations: [{ op: 'put-template', template: { name, settings: {} } }], action: 't' },
        { actor: 'x' },
      )
    }
    expect(await store.changesSince(1)).toMatchObject({ full: false, operations: { length: 2 } })
    expect(await store.changesSince(0)).toMatchObject({ full: true, operations: { length: 3 } })
  })

  it('refuses a nonsensical option', () => {
    expect(() => new MemoryRegistryStore({ keptChanges: -1 })).toThrow(
      'keptChanges must be a whole number >= 0, got -1',
    )
  })
})
