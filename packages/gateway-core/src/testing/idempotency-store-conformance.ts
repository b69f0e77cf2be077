import { type IdempotencyClaim, type IdempotencyStore, MAX_KEPT_RESULT_BYTES } from '../idempotency.js'

/** The three functions of a test runner that the suite needs; those of jest, vitest and bun fit. */
export interface ConformanceKit {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
  expect(actual: unknown): { toEqual(expected: unknown): unknown }
}

/** An empty store for one test, which keeps results. */
export interface IdempotencyStoreFixture {
  readonly store: IdempotencyStore
  /** Opens the same keys once more, as another node does. Absent for a store that keeps nothing. */
  reopen?(): Promise<IdempotencyStore>
  /** Releases what the fixture holds. */
  close?(): Promise<void>
}

/** Registers the tests that every `IdempotencyStore` must pass. `makeStore` is called once per test. */
export function idempotencyStoreConformance(
  kit: ConformanceKit,
  makeStore: () => Promise<IdempotencyStoreFixture>,
): void {
  const { describe, it, expect } = kit

  /** Runs a test body on a fresh store, and on one of another node, and closes it on every path. */
  const test = (name: string, body: (store: IdempotencyStore, other: IdempotencyStore) => Promise<void>) =>
    it(name, async () => {
      const fixture = await makeStore()
      try {
        await body(fixture.store, (await fixture.reopen?.()) ?? fixture.store)
      } finally {
        await fixture.close?.()
      }
    })

  describe('IdempotencyStore', () => {
    test('gives a key to the first, and tells the next who has it and until when', async (store, other) => {
      expect(await store.read(FIRST)).toEqual(undefined)
      expect(await store.claim(FIRST)).toEqual({ state: 'claimed' })
      const answer = await other.claim(SECOND)
      const { fingerprint, owner } = FIRST
      const until = answer.state === 'in-progress' ? answer.until : undefined
      expect(answer).toEqual({ state: 'in-progress', fingerprint, owner, until })
      expect(until !== undefined && until.getTime() > 0).toEqual(true)
      expect(await other.read(FIRST)).toEqual(answer)
    })

    test('gives it again to the same claim, whose answer was lost', async (store, other) => {
      await store.claim(FIRST)
      expect(await other.claim(FIRST)).toEqual({ state: 'claimed' })
    })

    test('gives it to exactly one of many at the same time', async (store, other) => {
      const claims = Array.from({ length: 12 }, (_, n) => ({ ...FIRST, owner: `n/${n}` }))
      const answers = await Promise.all(claims.map((claim, n) => (n % 2 === 0 ? store : other).claim(claim)))
      const states = answers.map(({ state }) => state).toSorted()
      expect(states).toEqual(['claimed', ...Array.from({ length: 11 }, () => 'in-progress')])
    })

    test('gives one whose time is over to exactly one of many at the same time', async (store, other) => {
      await store.claim({ ...FIRST, keepMs: 0 })
      const claims = Array.from({ length: 12 }, (_, n) => ({ ...FIRST, owner: `n/${n}` }))
      const answers = await Promise.all(claims.map((claim, n) => (n % 2 === 0 ? store : other).claim(claim)))
      expect(answers.filter(({ state }) => state === 'claimed').length).toEqual(1)
    })

    test('keeps the result for who asks later', async (store, other) => {
      await store.claim(FIRST)
      const json = '{"content":[{"type":"text","text":"ÄÖ 日本 \'"}]}'
      expect(await store.complete(FIRST, json)).toEqual(true)
      const done = { state: 'done', fingerprint: FIRST.fingerprint, result: { kept: true, json } }
      expect([await other.claim(SECOND), await other.read(FIRST)]).toEqual([done, done])
    })

    test('keeps 256 KiB and no byte more, and then still knows that the call was run', async (store, other) => {
      const [fits, exceeds] = [MAX_KEPT_RESULT_BYTES, MAX_KEPT_RESULT_BYTES + 1].map((n) => `"${'x'.repeat(n - 2)}"`)
      await store.claim(FIRST)
      expect(await store.complete(FIRST, fits ?? '')).toEqual(true)
      const longer = { ...FIRST, key: 'longer' }
      await store.claim(longer)
      expect(await store.complete(longer, exceeds ?? '')).toEqual(true)
      const { fingerprint } = FIRST
      expect(await other.read(FIRST)).toEqual({ state: 'done', fingerprint, result: { kept: true, json: fits } })
      expect(await other.read(longer)).toEqual({ state: 'done', fingerprint, result: { kept: false } })
    })

    test('tells that a key was used for another call', async (store, other) => {
      await store.claim(FIRST)
      const another = { ...SECOND, fingerprint: 'other arguments' }
      expect(await other.claim(another)).toEqual({ state: 'mismatch' })
      await store.complete(FIRST, '{}')
      expect(await other.claim(another)).toEqual({ state: 'mismatch' })
    })

    test('never gives the key of an owner that was lost to another, and takes its late result', async (store, other) => {
      const slow = { ...FIRST, claimMs: 0 }
      await store.claim(slow)
      const { fingerprint, owner } = FIRST
      expect(await other.claim(SECOND)).toEqual({ state: 'lost', fingerprint, owner })
      expect(await store.complete(slow, '1')).toEqual(true)
      expect(await other.claim(SECOND)).toEqual({ state: 'done', fingerprint, result: { kept: true, json: '1' } })
    })

    test('gives a key that was released to the next', async (store, other) => {
      await store.claim(FIRST)
      expect(await store.release(FIRST)).toEqual(true)
      expect(await other.claim(SECOND)).toEqual({ state: 'claimed' })
      expect([await store.release(FIRST), await store.complete(FIRST, '1')]).toEqual([false, false])
      expect((await store.read(FIRST))?.state).toEqual('in-progress')
    })

    test('changes nothing that is done', async (store) => {
      await store.claim(FIRST)
      await store.complete(FIRST, '1')
      expect([await store.complete(FIRST, '2'), await store.release(FIRST)]).toEqual([false, false])
      const result = { kept: true, json: '1' }
      expect(await store.read(FIRST)).toEqual({ state: 'done', fingerprint: FIRST.fingerprint, result })
    })

    test('keeps keys of other principals and templates apart, of any text', async (store) => {
      const others = [
        { principal: 'user:bob' },
        { template: 'web' },
        { key: '' },
        { key: 'K' },
        { key: 'k '.repeat(5_000) },
      ]
      await store.claim(FIRST)
      for (const other of others) expect(await store.claim({ ...SECOND, ...other })).toEqual({ state: 'claimed' })
    })

    test('forgets keys whose time is over, at most so many at once, and no others', async (store) => {
      for (const key of ['a', 'b', 'c']) await store.claim({ ...FIRST, key, keepMs: 0 })
      await store.claim(FIRST)
      expect(await store.read({ ...FIRST, key: 'a' })).toEqual(undefined)
      expect([await store.sweep(2), await store.sweep(2), await store.sweep(2)]).toEqual([2, 1, 0])
      expect((await store.read(FIRST))?.state).toEqual('in-progress')
    })
  })
}

const FIRST: IdempotencyClaim = {
  principal: 'user:anna',
  template: 'files',
  key: 'k',
  fingerprint: 'f',
  owner: 'node-1/main/1',
  claimMs: 60_000,
}
const SECOND: IdempotencyClaim = { ...FIRST, owner: 'node-2/main/1' }
