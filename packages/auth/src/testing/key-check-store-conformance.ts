import type { KeyCheck, KeyCheckStore } from '../master/key-check.js'
import { type ConformanceKit, type StoreFixture, storeTests } from './kit.js'

const FIRST: KeyCheck = { current: { id: 'a', check: 'ca' } }
const SECOND: KeyCheck = {
  current: { id: 'b', check: 'cb' },
  previous: { id: 'a', check: 'ca', replacedAt: new Date('2026-11-22T10:00:00.123Z') },
}

/** Registers the tests that every `KeyCheckStore` must pass. `makeFixture` is called once per test. */
export function keyCheckStoreConformance(
  kit: ConformanceKit,
  makeFixture: () => Promise<StoreFixture<KeyCheckStore>>,
): void {
  const { describe, expect } = kit
  const test = storeTests<KeyCheckStore, StoreFixture<KeyCheckStore>>(kit, makeFixture)

  describe('KeyCheckStore', () => {
    test('keeps the last check', async (store, { reopen }) => {
      expect(await store.load()).toEqual(undefined)
      expect(await store.save(FIRST, undefined)).toEqual(true)
      expect(await store.load()).toEqual(FIRST)
      expect(await store.save(SECOND, 'a')).toEqual(true)
      expect(await (reopen === undefined ? store : await reopen()).load()).toEqual(SECOND)
    })

    test('refuses to replace what it does not hold', async (store) => {
      expect(await store.save(SECOND, 'a')).toEqual(false)
      expect(await store.load()).toEqual(undefined)
      await store.save(FIRST, undefined)
      expect(await store.save(SECOND, undefined)).toEqual(false)
      expect(await store.load()).toEqual(FIRST)
    })

    test('lets exactly one of two nodes set the first one', async (store, { reopen }) => {
      const other = reopen === undefined ? store : await reopen()
      const saved = await Promise.all([store.save(FIRST, undefined), other.save(FIRST, undefined)])
      expect(saved.toSorted()).toEqual([false, true])
    })
  })
}
