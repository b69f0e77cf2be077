import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import {
  type Actor,
  ApiKeys,
  type AuditChain,
  Authenticator,
  Directory,
  FieldSealer,
  KeyHasher,
  localAdmin,
  MasterKey,
  MasterKeyRing,
  type PasswordHasher,
  SigningKeys,
  Users,
  verifyChain,
} from '@mcp-platform/auth'
import { Registry } from '@mcp-platform/core-registry'
import { sql } from 'kysely'
import { kyselyAuditStore, kyselyIdentityStore, kyselySigningKeyStore } from '../src/auth.js'
import { copyIn, copyOut } from '../src/backup.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { newChain } from './auth-conformance.js'
import { migrated, sqliteFile, sqliteMemory, type TestBed } from './support.js'

const root: Actor = { principal: localAdmin({ mayExecute: true }), requestId: 'r-1' }
const FS = { template_name: 'fs', instance: { endpoint: 'http://10.0.0.1:1/mcp' } }
const ring = new MasterKeyRing(MasterKey.generate())

/** Hashes nothing: what is stored is the business of this test, not how it is made. */
const plainPasswords: PasswordHasher = {
  check: () => undefined,
  hash: async (password) => `hash of ${password}`,
  verify: async (hash, password) => hash === `hash of ${password}`,
  needsRehash: () => false,
  canImport: () => false,
}

async function on<B extends TestBed>(making: Promise<B>, body: (bed: B) => Promise<void>): Promise<void> {
  const bed = await migrated(making)
  try {
    await body(bed)
  } finally {
    await bed.close()
  }
}

async function node(bed: TestBed, chain: AuditChain) {
  const db = await bed.open()
  const directory = new Directory({ store: kyselyIdentityStore(db, bed.dialect, { chain }) })
  const hasher = new KeyHasher(ring.derive('api-key-pepper'))
  await directory.load()
  return {
    db,
    directory,
    users: new Users({ directory, passwords: plainPasswords }),
    keys: new ApiKeys({ directory, hasher }),
    audit: kyselyAuditStore(db, bed.dialect, { chain }),
    registry: new Registry({ store: kyselyRegistryStore(db, bed.dialect, { chain }) }),
    authenticator: () => new Authenticator({ snapshot: directory.snapshot, keys: hasher }),
  }
}

describe('two nodes on one database', () => {
  it('see each other’s users and keys at the next look, and what the registry does is none of their business', () =>
    on(sqliteFile(), async (bed) => {
      const [a, b] = [await node(bed, newChain('a')), await node(bed, newChain('b'))]
      await a.users.create({ name: 'anna', role: 'admin' }, root)
      const { text, key } = await a.keys.create({ name: 'ci', role: 'user' }, root)
      await b.directory.refresh()
      expect(b.authenticator().authenticate({ apiKey: text })).toMatchObject({ id: `key:${key.id}` })
      await a.registry.load()
      await a.registry.register(FS, { by: { actor: 'local-admin' } })
      await b.keys.revoke(key.id, root)
      await a.directory.refresh()
      expect(() => a.authenticator().authenticate({ apiKey: text })).toThrow('not valid')
    }))

  it('keep the last administrator when each removes one at the same time', () =>
    on(sqliteFile(), async (bed) => {
      const [a, b] = [await node(bed, newChain('a')), await node(bed, newChain('b'))]
      for (const name of ['one', 'two']) await a.users.create({ name, role: 'admin' }, root)
      await b.directory.refresh()
      const outcomes = await Promise.allSettled([a.users.delete('one', root), b.users.delete('two', root)])
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      expect((await a.directory.store.load()).users.size).toBe(1)
    }))
})

describe('the audit trail of a node', () => {
  it('links changes of users and of the registry in one chain, and shows what somebody edits in the database', () =>
    on(sqliteFile(), async (bed) => {
      const chain = newChain('a')
      const { db, users, registry, audit } = await node(bed, chain)
      const verify = async () => verifyChain(audit.records(), { chain, ...(await audit.checkpoints()) })
      await registry.load()
      await users.create({ name: 'anna', role: 'user' }, root)
      await registry.register(FS, { by: { actor: 'user:anna', requestId: 'r-2' } })
      await users.update('anna', { role: 'operator' }, root)
      expect(await verify()).toMatchObject({ ok: true, records: 3 })
      const [, second] = (await audit.query({ limit: 10 })).toReversed()
      expect(second).toMatchObject({ actor: 'user:anna', requestId: 'r-2', count: 1 })

      const id = second?.id ?? ''
      await db.updateTable('audit_events').set({ actor: 'user:bert' }).where('id', '=', id).execute()
      expect(await verify()).toMatchObject({ ok: false, fault: 'edited', seq: 2, id })
      await db.updateTable('audit_events').set({ actor: 'user:anna' }).where('id', '=', id).execute()
      expect(await verify()).toMatchObject({ ok: true })
      await db.deleteFrom('audit_events').where('id', '=', id).execute()
      expect(await verify()).toMatchObject({ ok: false, fault: 'missing', seq: 2 })
    }))

  it('shows that its end was cut off', () =>
    on(sqliteMemory(), async (bed) => {
      const chain = newChain('a')
      const { db, users, audit } = await node(bed, chain)
      for (const name of ['a', 'b', 'c']) await users.create({ name, role: 'user' }, root)
      await db.deleteFrom('audit_links').where('seq', '=', 3).execute()
      const found = await verifyChain(audit.records(), { chain, ...(await audit.checkpoints()) })
      expect(found).toMatchObject({ ok: false, fault: 'truncated', seq: 3 })
      await db.updateTable('audit_chains').set({ seq: 2 }).execute()
      const forged = await verifyChain(audit.records(), { chain, ...(await audit.checkpoints()) })
      expect(forged).toMatchObject({ ok: false, fault: 'checkpoint' })
    }))

  it('is not written when its change is not, nor the change without it', () =>
    on(sqliteMemory(), async (bed) => {
      const { db, users, directory } = await node(bed, newChain('a'))
      await users.create({ name: 'anna', role: 'user' }, root)
      await sql`drop table audit_links`.execute(db)
      await expect(users.create({ name: 'bert', role: 'user' }, root)).rejects.toThrow('audit_links')
      expect([...(await directory.store.load()).users.keys()]).toEqual(['anna'])
      expect(await db.selectFrom('audit_events').select('id').execute()).toHaveLength(1)
    }))
})

describe('secrets', () => {
  it('are in the file as hashes and sealed only', () =>
    on(sqliteFile(), async (bed) => {
      const { db, users, keys } = await node(bed, newChain('a'))
      await users.create({ name: 'anna', role: 'user', password: 'a long canary sentence' }, root)
      const { text } = await keys.create({ name: 'ci', role: 'user' }, root)
      const signing = new SigningKeys({ store: kyselySigningKeyStore(db, bed.dialect), sealer: new FieldSealer(ring) })
      await signing.load()
      await sql`pragma wal_checkpoint(truncate)`.execute(db)
      const file = await readFile(bed.path)
      expect(file.includes(text.slice(-49, -6))).toBe(false)
      expect(file.includes('"d":')).toBe(false)
      expect(file.includes('v1.')).toBe(true)
    }))
})

describe('a restored backup', () => {
  it('brings users and keys back, and every node takes them over as a whole', () =>
    on(sqliteFile(), async (bed) => {
      const { db, users, directory } = await node(bed, newChain('a'))
      await users.create({ name: 'anna', role: 'admin' }, root)
      const copy = await sqliteMemory()
      try {
        const target = { db: await copy.open(), dialect: copy.dialect }
        await copyOut({ db, dialect: bed.dialect }, target)
        await users.create({ name: 'bert', role: 'user' }, root)
        await copyIn(target, { db, dialect: bed.dialect })
        await directory.refresh()
        expect([...directory.state.users.keys()]).toEqual(['anna'])
      } finally {
        await copy.close()
      }
    }))
})
