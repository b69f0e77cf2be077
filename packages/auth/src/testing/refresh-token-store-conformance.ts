import type { RefreshTokenRecord, RefreshTokenStore } from '../login/refresh-token.js'
import { type ConformanceKit, type StoreFixture, storeTests } from './kit.js'

const AT = new Date('2026-11-22T10:00:00.123Z')
const LATER = new Date('2026-12-22T10:00:00.456Z')

function record(hash: string, more: Partial<RefreshTokenRecord> = {}): RefreshTokenRecord {
  return {
    hash,
    family: 'f1',
    user: 'anna',
    epoch: 1_795_000_000_000,
    client: 'cli',
    createdAt: AT,
    expiresAt: LATER,
    ...more,
  }
}

/** Registers the tests that every `RefreshTokenStore` must pass. `makeFixture` is called once per test. */
export function refreshTokenStoreConformance(
  kit: ConformanceKit,
  makeFixture: () => Promise<StoreFixture<RefreshTokenStore>>,
): void {
  const { describe, expect } = kit
  const test = storeTests<RefreshTokenStore, StoreFixture<RefreshTokenStore>>(kit, makeFixture)

  describe('RefreshTokenStore', () => {
    test('gives back a token as it was written', async (store, { reopen }) => {
      await store.insert(record('h1'))
      expect(await store.find('h1')).toEqual(record('h1'))
      expect(await store.find('H1')).toEqual(undefined)
      if (reopen !== undefined) expect(await (await reopen()).find('h1')).toEqual(record('h1'))
    })

    test('exchanges a token once', async (store) => {
      await store.insert(record('h1'))
      expect(await store.exchange('h1', record('h2'), LATER)).toEqual('exchanged')
      expect((await store.find('h1'))?.usedAt).toEqual(LATER)
      expect(await store.find('h2')).toEqual(record('h2'))
      expect(await store.exchange('h1', record('h3'), LATER)).toEqual('used')
      expect(await store.exchange('other', record('h4'), LATER)).toEqual('unknown')
      expect([await store.find('h3'), await store.find('h4')]).toEqual([undefined, undefined])
    })

    test('lets exactly one of several exchanges at the same time through', async (store, { reopen }) => {
      await store.insert(record('h1'))
      const other = reopen === undefined ? store : await reopen()
      const exchanges = [store, other, store, other].map((on, index) => on.exchange('h1', record(`s${index}`), AT))
      expect((await Promise.all(exchanges)).toSorted()).toEqual(['exchanged', 'used', 'used', 'used'])
      const successors = await Promise.all([0, 1, 2, 3].map((index) => store.find(`s${index}`)))
      expect(successors.filter((successor) => successor !== undefined).length).toEqual(1)
    })

    test('ends a family, and a user, and nobody else', async (store) => {
      await store.insert(record('a1'))
      await store.insert(record('a2'))
      await store.insert(record('b1', { family: 'f2' }))
      await store.insert(record('c1', { family: 'f3', user: 'bert' }))
      await store.revokeFamily('f1')
      expect([await store.find('a1'), await store.find('a2')]).toEqual([undefined, undefined])
      expect(await store.find('b1')).toEqual(record('b1', { family: 'f2' }))
      await store.revokeUser('anna')
      expect(await store.find('b1')).toEqual(undefined)
      expect((await store.find('c1'))?.user).toEqual('bert')
    })

    test('sweeps tokens that have expired', async (store) => {
      await store.insert(record('old', { expiresAt: AT }))
      await store.insert(record('young'))
      await store.sweep(new Date(AT.getTime() + 1))
      expect(await store.find('old')).toEqual(undefined)
      expect((await store.find('young'))?.hash).toEqual('young')
    })
  })
}
