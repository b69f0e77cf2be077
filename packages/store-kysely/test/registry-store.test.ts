import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import type { Instance, RegistryOperation } from '@mcp-platform/core-registry'
import { sql } from 'kysely'
import type { Seal } from '../src/index.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { migrated, sqliteFile, sqliteMemory, type TestBed } from './support.js'

const by = { actor: 'user:anna', requestId: 'r-1', address: '10.0.0.7' }
const SECRET = 'canary-5ecret'

function instance(id: string, more: Partial<Instance> = {}): Instance {
  const attach = { kind: 'http', url: 'http://x', transport: 'auto', headers: { authorization: SECRET } } as const
  const rest = { protocol: 'auto', weight: 1, metadata: {}, state: 'active', source: 'api', override: {} } as const
  return { template: 'fs', id, attach, ...rest, generation: 1, ...more }
}

const putTemplate = (name = 'fs'): RegistryOperation => ({ op: 'put-template', template: { name, settings: {} } })
const put = (id: string): RegistryOperation => ({ op: 'put-instance', instance: instance(id) })

async function on<B extends TestBed>(making: Promise<B>, body: (bed: B) => Promise<void>): Promise<void> {
  const bed = await migrated(making)
  try {
    await body(bed)
  } finally {
    await bed.close()
  }
}

function aesSeal(): Seal {
  const key = randomBytes(32)
  return {
    seal(plain, aad) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(aad))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')
    },
    open(sealed, aad) {
      const bytes = Buffer.from(sealed, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(aad))
      decipher.setAuthTag(bytes.subarray(12, 28))
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
    },
  }
}

describe('secrets', () => {
  it('are sealed in the file and come back open', () =>
    on(sqliteFile(), async (bed) => {
      const db = await bed.open()
      const store = kyselyRegistryStore(db, bed.dialect, { seal: aesSeal() })
      await store.commit({ operations: [putTemplate(), put('a')], action: 'test' }, by)
      expect((await store.load()).templates.get('fs')?.instances).toEqual([instance('a')])
      await sql`pragma wal_checkpoint(truncate)`.execute(db)
      expect((await readFile(bed.path)).includes(SECRET)).toBe(false)
    }))

  it('cannot be opened without the seal, with another one, or in another row', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const seal = aesSeal()
      const store = kyselyRegistryStore(db, bed.dialect, { seal })
      await store.commit({ operations: [putTemplate(), put('a'), put('b')], action: 'test' }, by)
      const sealed = { code: 'STORE_SEALED', message: expect.not.stringContaining(SECRET) }
      await expect(kyselyRegistryStore(db, bed.dialect).load()).rejects.toMatchObject(sealed)
      await expect(kyselyRegistryStore(db, bed.dialect, { seal: aesSeal() }).load()).rejects.toMatchObject(sealed)
      const a = db.selectFrom('instances').select('secrets').where('id', '=', 'a')
      await db.updateTable('instances').set({ secrets: a }).where('id', '=', 'b').execute()
      await expect(store.load()).rejects.toMatchObject({ ...sealed, row: 'instances/fs/b/secrets' })
    }))

  it('of rows that were written before there was a seal are still read', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      await kyselyRegistryStore(db, bed.dialect).commit({ operations: [putTemplate(), put('a')], action: 't' }, by)
      const state = await kyselyRegistryStore(db, bed.dialect, { seal: aesSeal() }).load()
      expect(state.templates.get('fs')?.instances).toEqual([instance('a')])
    }))
})

describe('the audit record', () => {
  it('says who did what to which rows, and holds no secret', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const now = () => Date.parse('2026-11-22T10:00:00.123Z')
      const store = kyselyRegistryStore(db, bed.dialect, { now })
      await store.commit({ operations: [putTemplate(), put('a')], action: 'instance.register' }, by)
      const rows = await db.selectFrom('audit_events').selectAll().execute()
      expect(rows).toEqual([
        {
          id: expect.any(String),
          occurred_at: '2026-11-22T10:00:00.123Z',
          actor: 'user:anna',
          action: 'instance.register',
          outcome: 'success',
          request_id: 'r-1',
          address: '10.0.0.7',
          registry_v: 1,
          details: JSON.stringify({
            operations: [
              { op: 'put-template', template: 'fs' },
              { op: 'put-instance', template: 'fs', id: 'a' },
            ],
            total: 2,
          }),
        },
      ])
      expect(JSON.stringify(rows)).not.toContain(SECRET)
    }))

  it('goes with its change: a refused or failed one leaves neither', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const store = kyselyRegistryStore(db, bed.dialect)
      const stale = store.commit({ operations: [putTemplate()], action: 'test', expectedVersion: 5 }, by)
      await expect(stale).rejects.toMatchObject({ code: 'REGISTRY_STALE' })
      await sql`drop table audit_events`.execute(db)
      await expect(store.commit({ operations: [putTemplate()], action: 'test' }, by)).rejects.toThrow('audit_events')
      expect(await store.load()).toEqual({ version: 0, templates: new Map() })
    }))
})

describe('tombstones', () => {
  it('are kept for their time; who is further behind loads everything', () =>
    on(sqliteMemory(), async (bed) => {
      let now = 1_000_000
      const store = kyselyRegistryStore(await bed.open(), bed.dialect, { now: () => now, tombstoneTtlMs: 60_000 })
      const commit = (...operations: RegistryOperation[]) => store.commit({ operations, action: 'test' }, by)
      await commit(putTemplate(), put('a'), put('b'))
      await commit({ op: 'delete-instance', template: 'fs', id: 'a' })
      now += 60_000
      await commit(put('c'))
      expect(await store.changesSince(1)).toMatchObject({ full: false, version: 3 })
      now += 1
      await commit(put('d'))
      const changes = await store.changesSince(1)
      expect(changes).toMatchObject({ full: true, version: 4 })
      expect(changes.operations.map((operation) => operation.op)).toHaveLength(4)
      expect(await store.changesSince(2)).toMatchObject({ full: false, operations: [put('c'), put('d')] })
    }))
})

describe('a locked SQLite file', () => {
  it('is waited for without holding the event loop', () =>
    on(sqliteFile(), async (bed) => {
      const [other, mine] = [await bed.open(), await bed.open()]
      const store = kyselyRegistryStore(mine, bed.dialect)
      const lock = await other.startTransaction().execute()
      await sql`update registry_version set v = v`.execute(lock)
      const commit = store.commit({ operations: [putTemplate()], action: 'test' }, by)
      // Released by the event loop: were it held, the commit could only fail.
      setTimeout(() => void lock.rollback().execute(), 150)
      expect(await commit).toBe(1)
    }))

  it('is given up after the patience, with nothing written', () =>
    on(sqliteFile(), async (bed) => {
      const [other, mine] = [await bed.open(), await bed.open()]
      const store = kyselyRegistryStore(mine, bed.dialect, { patienceMs: 0 })
      const lock = await other.startTransaction().execute()
      await sql`update registry_version set v = v`.execute(lock)
      const commit = store.commit({ operations: [putTemplate()], action: 'test' }, by)
      await expect(commit).rejects.toMatchObject({ code: 'STORE_BUSY', cause: { code: 'SQLITE_BUSY' } })
      expect((await store.load()).version).toBe(0)
      await lock.rollback().execute()
    }))
})

describe('a large change', () => {
  it('is one commit', () =>
    on(sqliteMemory(), async (bed) => {
      const store = kyselyRegistryStore(await bed.open(), bed.dialect)
      const many = Array.from({ length: 1_050 }, (_, i) => put(`i-${i}`))
      await store.commit({ operations: [putTemplate(), ...many], action: 'test' }, by)
      expect((await store.load()).templates.get('fs')?.instances).toHaveLength(1_050)
      await store.commit({ operations: [{ op: 'delete-template', name: 'fs' }], action: 'test' }, by)
      expect(await store.changesSince(1)).toMatchObject({ operations: [{ op: 'delete-template', name: 'fs' }] })
    }))
})

describe('a row that somebody else has written', () => {
  it('is named', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const store = kyselyRegistryStore(db, bed.dialect)
      await store.commit({ operations: [putTemplate(), put('a')], action: 'test' }, by)
      await db.updateTable('instances').set({ spec: '{' }).execute()
      await expect(store.load()).rejects.toMatchObject({ code: 'STORE_CORRUPT', row: 'instances/fs/a/secrets' })
    }))
})
