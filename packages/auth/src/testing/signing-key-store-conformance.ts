import type { SigningKeyRecord, SigningKeyStore } from '../tokens/signing-key.js'
import { type ConformanceKit, type StoreFixture, storeTests } from './kit.js'

function key(kid: string, day: number): SigningKeyRecord {
  const createdAt = new Date(Date.UTC(2026, 10, day, 10, 0, 0, 123))
  const signsFrom = new Date(createdAt.getTime() + 3_600_000)
  return {
    kid,
    alg: 'EdDSA',
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x: 'x' },
    sealedPrivate: `sealed-${kid}`,
    createdAt,
    signsFrom,
  }
}

/** Registers the tests that every `SigningKeyStore` must pass. `makeFixture` is called once per test. */
export function signingKeyStoreConformance(
  kit: ConformanceKit,
  makeFixture: () => Promise<StoreFixture<SigningKeyStore>>,
): void {
  const { describe, expect } = kit
  const test = storeTests<SigningKeyStore, StoreFixture<SigningKeyStore>>(kit, makeFixture)

  describe('SigningKeyStore', () => {
    test('gives back keys as they were added, the newest last', async (store, { reopen }) => {
      expect(await store.list()).toEqual([])
      expect(await store.add(key('z', 1), undefined)).toEqual(true)
      expect(await store.add(key('a', 2), 'z')).toEqual(true)
      expect(await store.list()).toEqual([key('z', 1), key('a', 2)])
      if (reopen !== undefined) expect(await (await reopen()).list()).toEqual([key('z', 1), key('a', 2)])
    })

    test('refuses a key that was meant to come after another one', async (store) => {
      await store.add(key('a', 1), undefined)
      expect(await store.add(key('b', 2), undefined)).toEqual(false)
      expect(await store.add(key('b', 2), 'x')).toEqual(false)
      expect(await store.list()).toEqual([key('a', 1)])
    })

    test('lets exactly one of two nodes at the same time add the next key', async (store, { reopen }) => {
      const other = reopen === undefined ? store : await reopen()
      const added = await Promise.all([store.add(key('a', 1), undefined), other.add(key('b', 1), undefined)])
      expect(added.toSorted()).toEqual([false, true])
      expect((await store.list()).length).toEqual(1)
    })

    test('replaces a sealed private part, and removes keys', async (store) => {
      await store.add(key('a', 1), undefined)
      await store.add(key('b', 2), 'a')
      await store.reseal('b', 'again')
      expect(await store.list()).toEqual([key('a', 1), { ...key('b', 2), sealedPrivate: 'again' }])
      await store.remove(['a', 'unknown'])
      expect((await store.list()).map(({ kid }) => kid)).toEqual(['b'])
    })
  })
}
