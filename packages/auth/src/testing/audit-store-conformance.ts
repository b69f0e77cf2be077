import type { AuditChain } from '../audit/chain.js'
import { type AuditEvent, type AuditFacts, auditEvent } from '../audit/event.js'
import type { AuditStore } from '../audit/store.js'
import { verifyChain } from '../audit/verify-chain.js'
import { type ConformanceKit, type StoreFixture, storeTests } from './kit.js'

const START = Date.UTC(2026, 10, 22, 10)

/** A fresh audit store, and the chain that it writes. */
export interface AuditStoreFixture extends StoreFixture<AuditStore> {
  readonly chain: AuditChain
}

/** Registers the tests that every `AuditStore` must pass. `makeFixture` is called once per test. */
export function auditStoreConformance(kit: ConformanceKit, makeFixture: () => Promise<AuditStoreFixture>): void {
  const { describe, expect } = kit
  const test = storeTests<AuditStore, AuditStoreFixture>(kit, makeFixture)

  describe('AuditStore', () => {
    test('gives back events as they were written, newest first', async (store, { reopen }) => {
      const full = event(1, {
        target: 'user:bert',
        requestId: 'r',
        address: '10.0.0.7',
        count: 3,
        outcome: 'denied',
        details: { a: [1, null, { b: 'ü' }] },
      })
      await store.append([event(0), full])
      expect(await store.query({ limit: 10 })).toEqual([full, event(0)])
      if (reopen !== undefined) expect(await (await reopen()).query({ limit: 10 })).toEqual([full, event(0)])
    })

    test('finds by time, actor, action and outcome, page by page', async (store) => {
      const events = [0, 1, 2, 3, 4, 5].map((minute) =>
        event(minute, {
          actor: `user:${minute % 2}`,
          action: minute < 3 ? 'login' : 'key.create',
          outcome: minute === 5 ? 'denied' : 'success',
        }),
      )
      await store.append(events)
      const minutes = async (query: object): Promise<unknown> =>
        (await store.query({ limit: 10, ...query })).map(({ at }) => (at.getTime() - START) / 60_000)
      expect(await minutes({ since: new Date(START + 60_000), until: new Date(START + 3 * 60_000) })).toEqual([2, 1])
      expect(await minutes({ actor: 'user:1' })).toEqual([5, 3, 1])
      expect(await minutes({ action: 'login', actor: 'user:0' })).toEqual([2, 0])
      expect(await minutes({ outcome: 'denied' })).toEqual([5])
      expect(await minutes({ limit: 2 })).toEqual([5, 4])
      expect(await minutes({ limit: 2, before: events[4]?.id })).toEqual([3, 2])
    })

    test('leaves out events that it has', async (store) => {
      await store.append([event(0), event(1)])
      await store.append([event(1), event(2), event(0)])
      expect((await store.query({ limit: 10 })).map(({ id }) => id)).toEqual([event(2).id, event(1).id, event(0).id])
    })

    test('writes a chain that verifies up to its checkpoint, also by several writers', async (store, fixture) => {
      const other = fixture.reopen === undefined ? store : await fixture.reopen()
      await Promise.all([0, 1, 2, 3, 4, 5].map((minute) => (minute % 2 === 0 ? store : other).append([event(minute)])))
      await store.append([])
      const { from, until } = await store.checkpoints()
      expect(from).toEqual([])
      expect(until.map(({ seq }) => seq)).toEqual([6])
      expect(await report(store, fixture)).toEqual({ ok: true, records: 6 })
    })

    test('sweeps the oldest; the chain then begins at a signed checkpoint', async (store, fixture) => {
      await store.append([event(0), event(1), event(2), event(3)])
      expect(await store.sweep(new Date(START + 3 * 60_000), 2)).toEqual(2)
      expect(await store.sweep(new Date(START + 3 * 60_000), 10)).toEqual(1)
      expect(await store.sweep(new Date(START + 3 * 60_000), 10)).toEqual(0)
      expect((await store.query({ limit: 10 })).map(({ id }) => id)).toEqual([event(3).id])
      expect((await store.checkpoints()).from.map(({ seq }) => seq)).toEqual([3])
      expect(await report(store, fixture)).toEqual({ ok: true, records: 1 })
      await store.append([event(4)])
      expect(await report(store, fixture)).toEqual({ ok: true, records: 2 })
    })

    test('keeps its chain when everything was swept', async (store, fixture) => {
      await store.append([event(0)])
      await store.sweep(new Date(START + 60_000), 10)
      await store.append([event(1)])
      expect(await report(store, fixture)).toEqual({ ok: true, records: 1 })
    })
  })
}

function event(minute: number, more: Partial<AuditFacts> = {}): AuditEvent {
  const at = new Date(START + minute * 60_000)
  const made = auditEvent({ at, actor: 'user:anna', action: 'login', ...more })
  return { ...made, id: `${made.id.slice(0, 10)}${String(minute).padStart(24, '0')}` }
}

async function report(store: AuditStore, { chain }: AuditStoreFixture): Promise<unknown> {
  const found = await verifyChain(store.records(), { chain, ...(await store.checkpoints()) })
  return found.ok ? { ok: true, records: found.records } : found
}
