import type { CircuitStore, StoredCircuit } from '../store.js'

/** The three functions of a test runner that the suite needs; those of jest, vitest and bun fit. */
export interface ConformanceKit {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
  expect(actual: unknown): { toEqual(expected: unknown): unknown }
}

/** An empty store for one test. */
export interface CircuitStoreFixture {
  readonly store: CircuitStore
  /** Opens what was saved once more, as after a restart. Absent for a store that keeps nothing. */
  reopen?(): Promise<CircuitStore>
  /** Releases what the fixture holds. */
  close?(): Promise<void>
}

/** Registers the tests that every `CircuitStore` must pass. `makeStore` is called once per test. */
export function circuitStoreConformance(kit: ConformanceKit, makeStore: () => Promise<CircuitStoreFixture>): void {
  const { describe, it, expect } = kit

  /** Runs a test body on a fresh store and closes it on every path. */
  const on = (body: (store: CircuitStore, fixture: CircuitStoreFixture) => Promise<void>) => async () => {
    const fixture = await makeStore()
    try {
      await body(fixture.store, fixture)
    } finally {
      await fixture.close?.()
    }
  }
  const test = (name: string, body: (store: CircuitStore, fixture: CircuitStoreFixture) => Promise<void>) =>
    it(name, on(body))

  describe('CircuitStore', () => {
    test('loads nothing from a fresh store', async (store) => {
      expect(await store.load()).toEqual([])
    })

    test('loads an open circuit as it was saved, to the millisecond', async (store) => {
      await store.save([{ kind: 'set', circuit: OPEN }])
      expect(await store.load()).toEqual([OPEN])
    })

    test('keeps closed and half-open circuits without an open time', async (store) => {
      await store.save([set(CLOSED), set(HALF_OPEN)])
      expect(sorted(await store.load())).toEqual(sorted([CLOSED, HALF_OPEN]))
    })

    test('replaces a circuit of the same group and id as a whole', async (store) => {
      await store.save([set(OPEN)])
      const closed: StoredCircuit = { group: OPEN.group, id: OPEN.id, state: 'closed', opens: 1, since: LATER }
      await store.save([set(closed)])
      expect(await store.load()).toEqual([closed])
    })

    test('keeps circuits of the same id in different groups apart', async (store) => {
      const other = { ...OPEN, group: 'other', opens: 9 }
      await store.save([set(OPEN), set(other)])
      await store.save([{ kind: 'forget', group: OPEN.group, id: OPEN.id }])
      expect(await store.load()).toEqual([other])
    })

    test('applies the changes of one save in their order', async (store) => {
      const again = { ...OPEN, opens: 4 }
      const forget = { kind: 'forget', group: OPEN.group, id: OPEN.id } as const
      await store.save([
        set(OPEN),
        forget,
        set(again),
        set(CLOSED),
        { kind: 'forget', group: CLOSED.group, id: CLOSED.id },
      ])
      expect(await store.load()).toEqual([again])
    })

    test('forgets what is not there without an error, and saves nothing for no changes', async (store) => {
      await store.save([{ kind: 'forget', group: 'nobody', id: 'nothing' }])
      await store.save([])
      expect(await store.load()).toEqual([])
    })

    test('takes ids and groups of any text', async (store) => {
      const odd = ['', "o'hare", 'a"b', 'ÄÖ/ß 日本', 'x;--', '%_', 'A', 'a'].map((id) => ({
        ...OPEN,
        group: id,
        id: `${id}.`,
      }))
      await store.save(odd.map(set))
      expect(sorted(await store.load())).toEqual(sorted(odd))
    })

    test('keeps every change of saves that overlap', async (store) => {
      const many = Array.from({ length: 20 }, (_, index) => ({ ...OPEN, id: `target-${index}` }))
      await Promise.all(many.map((circuit) => store.save([set(circuit)])))
      expect(sorted(await store.load())).toEqual(sorted(many))
    })

    test('still has everything after it was opened again', async (store, fixture) => {
      await store.save([set(OPEN), set(CLOSED)])
      const reopened = (await fixture.reopen?.()) ?? store
      expect(sorted(await reopened.load())).toEqual(sorted([OPEN, CLOSED]))
    })
  })
}

const SINCE = new Date('2026-11-22T10:00:00.123Z')
const LATER = new Date('2026-11-22T10:05:00.456Z')
const OPEN: StoredCircuit = {
  group: 'search',
  id: 'search-1',
  generation: '7',
  state: 'open',
  openUntil: new Date('2026-11-22T10:00:20.001Z'),
  opens: 2,
  since: SINCE,
}
const CLOSED: StoredCircuit = { group: 'search', id: 'search-2', state: 'closed', opens: 3, since: SINCE }
const HALF_OPEN: StoredCircuit = {
  group: 'search',
  id: 'search-3',
  generation: 'b',
  state: 'half-open',
  opens: 1,
  since: LATER,
}

function set(circuit: StoredCircuit): { kind: 'set'; circuit: StoredCircuit } {
  return { kind: 'set', circuit }
}

function sorted(circuits: readonly StoredCircuit[]): StoredCircuit[] {
  return circuits.toSorted((a, b) => (JSON.stringify([a.group, a.id]) < JSON.stringify([b.group, b.id]) ? -1 : 1))
}
