import { describe, expect, it } from '@jest/globals'
import type { RegistryOperation } from '@mcp-platform/core-registry'
import { registryStoreConformance } from '@mcp-platform/core-registry/testing'
import { idempotencyStoreConformance } from '@mcp-platform/gateway-core/testing'
import { circuitStoreConformance } from '@mcp-platform/health/testing'
import type { Availability } from '@mcp-platform/test-kit/databases'
import { sql } from 'kysely'
import { copyIn, copyOut, isBlank } from '../src/backup.js'
import { kyselyIdempotencyStore, kyselyLeaseStore, kyselyNodeStore, sweep } from '../src/gateway.js'
import { kyselyCircuitStore } from '../src/health.js'
import type { Seal } from '../src/index.js'
import { migrate, migrationStatus } from '../src/migrations.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { onServer } from './on-server.js'
import { migrated, sqliteMemory, type TestBed } from './support.js'

/** Turns a text round and says whose it is: as good as a cipher for seeing what is written down. */
const REVERSED: Seal = {
  seal: (plain, aad) => `${aad}|${[...plain].reverse().join('')}`,
  open: (sealed, aad) => {
    if (!sealed.startsWith(`${aad}|`)) throw new Error('sealed for another row')
    return [...sealed.slice(aad.length + 1)].reverse().join('')
  },
}

/** What every database must do: the suites of all ports, migrations, and the node list. */
export function storeConformance(makeBed: () => Promise<TestBed>): void {
  registryStoreConformance({ describe, it, expect }, async () => {
    const bed = await migrated(makeBed())
    return {
      store: kyselyRegistryStore(await bed.open(), bed.dialect),
      reopen: async () => kyselyRegistryStore(await bed.open(), bed.dialect),
      close: () => bed.close(),
    }
  })

  circuitStoreConformance({ describe, it, expect }, async () => {
    const bed = await migrated(makeBed())
    return {
      store: kyselyCircuitStore(await bed.open(), bed.dialect),
      reopen: async () => kyselyCircuitStore(await bed.open(), bed.dialect),
      close: () => bed.close(),
    }
  })

  idempotencyStoreConformance({ describe, it, expect }, async () => {
    const bed = await migrated(makeBed())
    const open = async () => kyselyIdempotencyStore(await bed.open(), bed.dialect, { seal: REVERSED })
    return { store: await open(), reopen: open, close: () => bed.close() }
  })

  describe('idempotency store', () => {
    it('writes down neither keys nor results in plain, and without a seal no result at all', async () => {
      await on(makeBed, async (bed) => {
        const db = await bed.open()
        const claim = {
          principal: 'user:anna',
          template: 'fs',
          key: 'my-key',
          fingerprint: 'f',
          owner: 'n',
          claimMs: 9,
        }
        const sealing = kyselyIdempotencyStore(db, bed.dialect, { seal: REVERSED })
        await sealing.claim(claim)
        await sealing.complete(claim, '"secret"')
        const rows = JSON.stringify(await db.selectFrom('idempotency_keys').selectAll().execute())
        expect(rows).not.toMatch(/anna|my-key|secret/)
        const bare = kyselyIdempotencyStore(db, bed.dialect)
        await expect(bare.read(claim)).rejects.toMatchObject({ code: 'STORE_SEALED' })
        await bare.claim({ ...claim, key: 'other' })
        await bare.complete({ ...claim, key: 'other' }, '"secret"')
        expect(await bare.read({ ...claim, key: 'other' })).toMatchObject({ state: 'done', result: { kept: false } })
      })
    })

    it('comes back from a copy', async () => {
      await on(makeBed, async (bed) => {
        const place = { db: await bed.open(), dialect: bed.dialect }
        const copy = await sqliteMemory()
        try {
          const claim = { principal: 'p', template: 'fs', key: 'k', fingerprint: 'f', owner: 'n', claimMs: 60_000 }
          const keys = kyselyIdempotencyStore(place.db, bed.dialect, { seal: REVERSED })
          await keys.claim(claim)
          await keys.complete(claim, '1')
          const target = { db: await copy.open(), dialect: copy.dialect }
          expect(await copyOut(place, target)).toMatchObject({ idempotency_keys: 1 })
          await place.db.deleteFrom('idempotency_keys').execute()
          await copyIn(target, place)
          expect(await keys.read(claim)).toMatchObject({ state: 'done', result: { kept: true, json: '1' } })
        } finally {
          await copy.close()
        }
      })
    })
  })

  describe('migrate', () => {
    it('makes the schema once, also when two do it at the same time', async () => {
      const bed = await makeBed()
      try {
        const [a, b] = [await bed.open(), await bed.open()]
        expect(await migrationStatus(a)).toMatchObject({ state: 'empty', applied: [] })
        const runs = await Promise.all([migrate(a, bed.dialect), migrate(b, bed.dialect)])
        const { state, applied } = await migrationStatus(b)
        expect(state).toBe('current')
        expect(runs.map((run) => run.applied.length).toSorted()).toEqual([0, applied.length].toSorted())
        expect(await migrate(a, bed.dialect)).toEqual({ applied: [] })
      } finally {
        await bed.close()
      }
    })

    it('goes on where a run was interrupted after an index was made and before that was written down', async () => {
      await on(makeBed, async (bed) => {
        const db = await bed.open()
        // Where DDL is taken back with the rest, nothing can be interrupted there.
        if (bed.dialect === 'mssql') return
        const lost = (await migrationStatus(db)).applied.filter((name) => name >= '022')
        const history = db.withTables<{ schema_migrations: { name: string } }>()
        await history.deleteFrom('schema_migrations').where('name', 'in', lost).execute()
        expect(await migrate(db, bed.dialect)).toEqual({ applied: lost })
        expect(lost.length).toBeGreaterThan(5)
      })
    })
  })

  describe('lease store', () => {
    it('gives a lease to one, again to the same, and to the next one when its time is over', async () => {
      await on(makeBed, async (bed) => {
        const leases = kyselyLeaseStore(await bed.open(), bed.dialect)
        const first = await leases.take('sweep', 'a', 60_000)
        expect(first).toEqual({ name: 'sweep', owner: 'a', generation: 1 })
        expect(await leases.take('sweep', 'b', 60_000)).toBeUndefined()
        expect(await leases.take('sweep', 'a', 60_000)).toEqual(first)
        expect(await leases.take('other', 'b', 60_000)).toEqual({ name: 'other', owner: 'b', generation: 1 })
        if (first !== undefined) await leases.release(first)
        expect(await leases.take('sweep', 'b', 60_000)).toEqual({ name: 'sweep', owner: 'b', generation: 2 })
      })
    })

    it('lets a holder that slept too long write nothing', async () => {
      await on(makeBed, async (bed) => {
        const db = await bed.open()
        const leases = kyselyLeaseStore(db, bed.dialect)
        const slept = await leases.take('sweep', 'a', 0)
        if (slept === undefined) throw new Error('nobody has it')
        const write = (): Promise<void> => kyselyNodeStore(db, bed.dialect).heartbeat({ id: 'written' })
        const stale = leases.fenced(slept, async (trx) => {
          await trx.insertInto('nodes').values({ id: 'x', started_at: '', heartbeat_at: '', details: '{}' }).execute()
        })
        await expect(stale).rejects.toMatchObject({ code: 'STORE_LEASE_LOST', generation: 1 })
        const next = await leases.take('sweep', 'b', 60_000)
        if (next === undefined) throw new Error('its time was over')
        expect(next.generation).toBe(2)
        await expect(leases.fenced(slept, async () => undefined)).rejects.toMatchObject({ code: 'STORE_LEASE_LOST' })
        expect(await leases.fenced(next, async () => 'done')).toBe('done')
        await write()
        expect((await kyselyNodeStore(db, bed.dialect).live(60_000)).map((node) => node.id)).toEqual(['written'])
      })
    })

    it('has one holder when many take it at once', async () => {
      await on(makeBed, async (bed) => {
        const stores = await Promise.all([1, 2, 3].map(async () => kyselyLeaseStore(await bed.open(), bed.dialect)))
        const taken = await Promise.all(
          stores.flatMap((store, at) => [0, 1, 2].map((n) => store.take('sweep', `${at}-${n}`, 60_000))),
        )
        expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1)
      })
    })
  })

  describe('sweep', () => {
    it('forgets deletions and silent nodes that are old enough, and whoever is behind loads everything', async () => {
      await on(makeBed, async (bed) => {
        const db = await bed.open()
        const store = kyselyRegistryStore(db, bed.dialect)
        await store.commit({ action: 'test', operations: [putTemplate('a'), putTemplate('b')] }, { actor: 'x' })
        await store.commit({ action: 'test', operations: [{ op: 'delete-template', name: 'a' }] }, { actor: 'x' })
        await kyselyNodeStore(db, bed.dialect).heartbeat({ id: 'n' })
        await db.transaction().execute((trx) => sweep(trx, bed.dialect))
        expect(await store.changesSince(1)).toMatchObject({ full: false })
        expect(await db.selectFrom('nodes').select('id').execute()).toHaveLength(1)
        await db.transaction().execute((trx) => sweep(trx, bed.dialect, { tombstonesMs: -60_000, nodesMs: -60_000 }))
        expect(await store.changesSince(1)).toMatchObject({ full: true, version: 2 })
        expect(await db.selectFrom('nodes').select('id').execute()).toEqual([])
      })
    })
  })

  describe('copies', () => {
    it('bring everything back, in one step that others take over as a whole', async () => {
      await on(makeBed, async (bed) => {
        const db = await bed.open()
        const place = { db, dialect: bed.dialect }
        const copy = await sqliteMemory()
        try {
          const store = kyselyRegistryStore(db, bed.dialect)
          const many = Array.from({ length: 250 }, (_, n) => putTemplate(`t${n}`))
          await store.commit({ action: 'test', operations: many }, { actor: 'x' })
          await kyselyNodeStore(db, bed.dialect).heartbeat({ id: 'n' })
          const original = await store.load()
          const target = { db: await copy.open(), dialect: copy.dialect }
          expect(await copyOut(place, target)).toMatchObject({ templates: 250, audit_events: 1, registry_version: 1 })
          expect(await target.db.selectFrom('nodes').select('id').execute()).toEqual([])

          await store.commit(
            { action: 'test', operations: [putTemplate('later'), { op: 'delete-template', name: 't0' }] },
            { actor: 'x' },
          )
          expect(await isBlank(place)).toBe(false)
          await copyIn(target, place)
          const restored = await store.load()
          expect(restored.templates).toEqual(original.templates)
          expect(restored.version).toBe(3)
          const news = await store.changesSince(2)
          expect(news).toMatchObject({ full: true, version: 3 })
          expect(news.operations).toHaveLength(250)
        } finally {
          await copy.close()
        }
      })
    })

    it('change nothing when they fail half-way', async () => {
      await on(makeBed, async (bed) => {
        const db = await bed.open()
        const store = kyselyRegistryStore(db, bed.dialect)
        await store.commit({ action: 'test', operations: [putTemplate('kept')] }, { actor: 'x' })
        const broken = await migrated(sqliteMemory())
        try {
          const from = await broken.open()
          await kyselyRegistryStore(from, 'sqlite').commit(
            { action: 'test', operations: [putTemplate('new')] },
            { actor: 'x' },
          )
          await sql`drop table audit_events`.execute(from)
          const copied = copyIn({ db: from, dialect: 'sqlite' }, { db, dialect: bed.dialect })
          await expect(copied).rejects.toThrow(/audit_events/)
          expect([...(await store.load()).templates.keys()]).toEqual(['kept'])
        } finally {
          await broken.close()
        }
      })
    })
  })

  describe('node store', () => {
    it('knows who lives, by the clock of the database', async () => {
      const bed = await migrated(makeBed())
      try {
        const nodes = kyselyNodeStore(await bed.open(), bed.dialect)
        await nodes.heartbeat({ id: 'b', details: { url: 'http://b' } })
        await nodes.heartbeat({ id: 'a' })
        const [first] = await nodes.live(60_000)
        await nodes.heartbeat({ id: 'a', details: { version: '2' } })
        const live = await nodes.live(60_000)
        expect(live.map(({ id, details }) => [id, details])).toEqual([
          ['a', { version: '2' }],
          ['b', { url: 'http://b' }],
        ])
        expect(live[0]?.startedAt).toEqual(first?.startedAt)
        expect(live[0]?.heartbeatAt.getTime()).toBeGreaterThanOrEqual(live[0]?.startedAt.getTime() ?? Number.NaN)
        expect(await nodes.live(-60_000)).toEqual([])
        await nodes.remove('a')
        expect((await nodes.live(60_000)).map((node) => node.id)).toEqual(['b'])
      } finally {
        await bed.close()
      }
    })
  })
}

/** The same on a real server; skipped with the reason where this machine has none. */
export async function serverConformance<S extends { stop(): Promise<void> }>(
  name: string,
  start: () => Promise<Availability<S>>,
  makeBed: (server: S) => Promise<TestBed>,
): Promise<void> {
  await onServer(name, start, (server) => storeConformance(() => makeBed(server)))
}

async function on(makeBed: () => Promise<TestBed>, body: (bed: TestBed) => Promise<void>): Promise<void> {
  const bed = await migrated(makeBed())
  try {
    await body(bed)
  } finally {
    await bed.close()
  }
}

function putTemplate(name: string): RegistryOperation {
  return { op: 'put-template', template: { name, settings: { maxRetries: 2 } } }
}
