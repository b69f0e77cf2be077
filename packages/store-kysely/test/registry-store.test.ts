import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { type Instance, Registry, type RegistryEvent, type RegistryOperation } from '@mcp-platform/core-registry'
import { type Kysely, sql } from 'kysely'
import type { RowSigner, Seal, StoreTables } from '../src/index.js'
import { kyselyRegistryStore, renewRegistryRows } from '../src/registry.js'
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
      const refused = Promise.withResolvers<void>()
      // Asked for chance when an attempt has failed and the next is put off.
      const random = (): number => {
        refused.resolve()
        return 0.5
      }
      const store = kyselyRegistryStore(mine, bed.dialect, { random })
      const lock = await other.startTransaction().execute()
      await sql`update registry_version set v = v`.execute(lock)
      const commit = store.commit({ operations: [putTemplate()], action: 'test' }, by)
      // Released by the event loop: were it held, the commit could only fail.
      await refused.promise
      await lock.rollback().execute()
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

function signerOf(secret: string): RowSigner {
  const sign = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url')
  return { sign, verify: (text, signature) => sign(text) === signature }
}

describe('rows that somebody else has written', () => {
  const signer = signerOf('ours')
  const command = (id: string): Instance =>
    instance(id, { attach: { kind: 'stdio', command: 'node', args: ['server.js'], env: { TOKEN: SECRET } } })
  const healthCheck = { kind: 'command', command: '/bin/check', args: [] } as const
  const untrusted = { untrusted: expect.stringMatching(/^its row in the database was .*/), generation: 0 }
  type Change = (db: Kysely<StoreTables>) => Promise<unknown>
  const spec = (change: (spec: string) => string): Change => {
    return async (db) => {
      const row = await db.selectFrom('instances').selectAll().where('id', '=', 'a').executeTakeFirstOrThrow()
      await db
        .updateTable('instances')
        .set({ spec: change(row.spec) })
        .where('id', '=', 'a')
        .execute()
    }
  }

  it.each<[string, Change]>([
    ['another command', spec((text) => text.replace('"node"', '"sh"'))],
    ['other arguments', spec((text) => text.replace('server.js', '-c reboot'))],
    ['another source', (db) => db.updateTable('instances').set({ source: 'file:/x' }).execute()],
    ['no signature', (db) => db.updateTable('instances').set({ signature: null }).execute()],
    ['another signature', (db) => db.updateTable('instances').set({ signature: 'x' }).execute()],
    ['no environment', (db) => db.updateTable('instances').set({ secrets: null }).execute()],
    ['switched on again', (db) => db.updateTable('instances').set({ state: 'disabled' }).execute()],
    ['moved to another id', (db) => db.updateTable('instances').set({ id: 'b' }).execute()],
  ])('are told apart: %s', (_, change) =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const store = kyselyRegistryStore(db, bed.dialect, { signer })
      await store.commit(
        { operations: [putTemplate(), { op: 'put-instance', instance: command('a') }], action: 't' },
        by,
      )
      expect((await store.load()).templates.get('fs')?.instances).toEqual([command('a')])
      await change(db)
      const [found] = (await store.load()).templates.get('fs')?.instances ?? []
      expect(found).toMatchObject(untrusted)
      expect(found?.attach).toMatchObject({ env: {} })
    }),
  )

  it('of a server stand between its credentials and another URL', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const store = kyselyRegistryStore(db, bed.dialect, { signer })
      await store.commit({ operations: [putTemplate(), put('a')], action: 't' }, by)
      await spec((text) => text.replace('http://x', 'http://evil'))(db)
      const [found] = (await store.load()).templates.get('fs')?.instances ?? []
      expect(found).toMatchObject({ ...untrusted, attach: { headers: {} } })
    }))

  it('stay what they are when an operator changes their weight, and are trusted when they are registered anew', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const store = kyselyRegistryStore(db, bed.dialect, { signer })
      await store.commit(
        { operations: [putTemplate(), { op: 'put-instance', instance: command('a') }], action: 't' },
        by,
      )
      await spec((text) => text.replace('"node"', '"sh"'))(db)
      const registry = new Registry({ store })
      await registry.load()
      await registry.updateInstance('fs', 'a', { weight: 3 }, by)
      await registry.updateInstance('fs', 'a', { reset: true }, by)
      expect((await store.load()).templates.get('fs')?.instances).toMatchObject([untrusted])
      const body = { template_name: 'fs', instance: { id: 'a', command: 'sh', args: ['server.js'] } }
      await expect(registry.register(body, { by })).rejects.toMatchObject({ code: 'REGISTRY_CONFLICT' })
      await registry.register(body, { by, replace: true })
      const [healed] = (await store.load()).templates.get('fs')?.instances ?? []
      expect(healed?.untrusted).toBeUndefined()
      expect(healed?.generation).toBeGreaterThan(1)
    }))

  it('lose the command that would check health, also when the settings are changed afterwards', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const events: RegistryEvent[] = []
      const store = kyselyRegistryStore(db, bed.dialect, { signer })
      const template = { name: 'fs', settings: { maxRetries: 1 }, override: { maxRetries: 1 } }
      await store.commit({ operations: [{ op: 'put-template', template }], action: 't' }, by)
      const registry = new Registry({ store, onEvent: (event) => events.push(event) })
      await registry.load()
      const text = JSON.stringify({ maxRetries: 1, healthCheck })
      await db.updateTable('load_balancer_configs').set({ settings: text, override_settings: text }).execute()
      await registry.load()
      expect(registry.requireTemplate('fs')).toMatchObject({
        settings: { maxRetries: 1 },
        untrusted: expect.any(String),
      })
      expect(events).toContainEqual({ type: 'untrusted', template: 'fs', reason: expect.any(String) })
      await registry.updateTemplate('fs', { load_balancer: { max_retries: 2 } }, by)
      await registry.load()
      expect(registry.requireTemplate('fs').settings).toEqual({ maxRetries: 2 })
      expect(registry.requireTemplate('fs').untrusted).toBeUndefined()
      await registry.updateTemplate('fs', { health_check: { kind: 'command', command: '/bin/check' } }, by)
      await registry.load()
      expect(registry.requireTemplate('fs').settings).toEqual({ maxRetries: 2, healthCheck })
    }))

  it('are not looked for without a signer, and not asked of a server without secrets', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const store = kyselyRegistryStore(db, bed.dialect)
      const open = instance('o', { attach: { kind: 'http', url: 'http://x', transport: 'auto', headers: {} } })
      const operations: RegistryOperation[] = [putTemplate(), put('a'), { op: 'put-instance', instance: open }]
      await store.commit({ operations, action: 't' }, by)
      expect((await store.load()).templates.get('fs')?.instances).toEqual([instance('a'), open])
      const signing = await kyselyRegistryStore(db, bed.dialect, { signer }).load()
      expect(signing.templates.get('fs')?.instances.map(({ untrusted }) => untrusted !== undefined)).toEqual([
        true,
        false,
      ])
    }))
})

describe('a change of the keys', () => {
  it('is gone on with where it was broken off, leaves what is not trusted, and keeps what rows say', () =>
    on(sqliteMemory(), async (bed) => {
      const db = await bed.open()
      const [old, next] = [signerOf('old'), signerOf('next')]
      const rotating: RowSigner = {
        sign: next.sign,
        verify: (text, signature) => next.verify(text, signature) || old.verify(text, signature),
        isOutdated: (signature) => !newSignatures.has(signature),
      }
      const newSignatures = new Set<string>()
      const signing = { ...rotating, sign: (text: string) => keep(next.sign(text)) }
      const keep = (signature: string): string => {
        newSignatures.add(signature)
        return signature
      }
      const seal = aesSeal()
      const store = kyselyRegistryStore(db, bed.dialect, { seal, signer: old })
      const ids = Array.from({ length: 150 }, (_, n) => `i-${n}`)
      await store.commit({ operations: [putTemplate(), ...ids.map(put)], action: 't' }, by)
      await db.updateTable('instances').set({ source: 'file:/x' }).where('id', '=', 'i-7').execute()
      let wraps = 0
      const breaking: Seal = {
        ...seal,
        isOutdated: () => true,
        rewrap: (sealed) => {
          wraps += 1
          if (wraps > 260) throw new Error('the process is killed here')
          return sealed
        },
      }
      await expect(renewRegistryRows(db, bed.dialect, { seal: breaking, signer: signing })).rejects.toThrow()
      const half = await db.selectFrom('instances').select('signature').execute()
      expect(half.filter(({ signature }) => newSignatures.has(signature ?? '')).length).toBe(100)

      const { version } = await store.load()
      expect(await renewRegistryRows(db, bed.dialect, { seal, signer: signing })).toBe(50)
      expect(await renewRegistryRows(db, bed.dialect, { seal, signer: signing })).toBe(0)
      const state = await kyselyRegistryStore(db, bed.dialect, { seal, signer: next }).load()
      expect(state.version).toBe(version)
      const found = state.templates.get('fs')?.instances ?? []
      expect(found.filter(({ untrusted }) => untrusted !== undefined).map(({ id }) => id)).toEqual(['i-7'])
      expect(found[0]).toEqual(instance('i-0'))
    }))
})
