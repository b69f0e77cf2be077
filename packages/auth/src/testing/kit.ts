/** The functions of a test runner that the suites need; those of jest, vitest and bun fit. */
export interface ConformanceKit {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
  expect(actual: unknown): { toEqual(expected: unknown): unknown }
}

/** A fresh store for one test. */
export interface StoreFixture<S> {
  readonly store: S
  /** The same data seen by another process; absent for a store that keeps nothing. */
  readonly reopen?: (() => Promise<S>) | undefined
  /** Releases what the fixture holds. */
  readonly close?: (() => Promise<void>) | undefined
}

/** Makes `it` for tests that get a fresh store, closed on every path. */
export function storeTests<S, F extends StoreFixture<S>>(
  { it }: ConformanceKit,
  makeFixture: () => Promise<F>,
): (name: string, body: (store: S, fixture: F) => Promise<void>) => void {
  return (name, body) => {
    it(name, async () => {
      const fixture = await makeFixture()
      try {
        await body(fixture.store, fixture)
      } finally {
        await fixture.close?.()
      }
    })
  }
}

/** The code of the error that a promise rejects with; undefined when it does not. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
    return undefined
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error ? error.code : error
  }
}
