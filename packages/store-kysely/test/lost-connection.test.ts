import { describe, expect, it } from '@jest/globals'
import { auditEvent } from '@mcp-platform/auth'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import { sql } from 'kysely'
import { kyselyUnitOfWork } from '../src/gateway.js'
import { transact } from '../src/index.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { onServer } from './on-server.js'
import { migrated, postgres } from './support.js'

const AT = new Date('2026-11-22T10:00:00.123Z')
const USER = { name: 'eve', role: 'user', scopes: [], disabled: false, epoch: 1, createdAt: AT, updatedAt: AT } as const
const UNIT = {
  registry: {
    diff: {
      operations: [{ op: 'put-template', template: { name: 'fs', settings: {} } }],
      action: 'registry.import',
      expectedVersion: 0,
    },
    by: { actor: 'x' },
  },
  identity: {
    changes: [{ op: 'put-user', user: USER }],
    expectedVersion: 0,
    audit: auditEvent({ at: AT, actor: 'x', action: 'user.import' }),
  },
} as const

const NAME = 'PostgreSQL: a connection that ends'

await onServer(NAME, startPostgres, (server) => {
  describe(NAME, () => {
    it('leaves nothing of a transaction that did not come to its commit', async () => {
      const bed = await migrated(postgres(server))
      try {
        const db = await bed.open()
        const lost = transact({ db, dialect: 'postgres' }, async (trx) => {
          await trx.insertInto('templates').values({ name: 'half', v: 1 }).execute()
          await sql`select pg_terminate_backend(pg_backend_pid())`.execute(trx)
        })
        await expect(lost).rejects.toThrow(/terminat/)
        expect(await kyselyRegistryStore(db, 'postgres').load()).toMatchObject({ version: 0, templates: new Map() })
      } finally {
        await bed.close()
      }
    })

    it('leaves nothing of a unit of work that came to its second half', async () => {
      const bed = await migrated(postgres(server))
      try {
        const db = await bed.open()
        await sql`create function gone() returns trigger language plpgsql as
          $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$`.execute(db)
        await sql`create trigger gone before insert on users for each row execute function gone()`.execute(db)
        await expect(kyselyUnitOfWork(db, 'postgres').commit(UNIT)).rejects.toThrow(/terminat/)
        expect(await kyselyRegistryStore(db, 'postgres').load()).toMatchObject({ version: 0, templates: new Map() })
        expect(await db.selectFrom('audit_events').select('id').execute()).toEqual([])
        await sql`drop trigger gone on users`.execute(db)
        await kyselyUnitOfWork(db, 'postgres').commit(UNIT)
        expect((await kyselyRegistryStore(db, 'postgres').load()).templates.size).toBe(1)
      } finally {
        await bed.close()
      }
    })

    it('makes the outcome unknown when it was lost during the commit, and says so', async () => {
      const bed = await migrated(postgres(server))
      try {
        const [db, other] = [await bed.open(), await bed.open()]
        const lost = transact({ db, dialect: 'postgres' }, async (trx) => {
          await trx.insertInto('templates').values({ name: 'half', v: 1 }).execute()
          const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
          await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(other)
        })
        await expect(lost).rejects.toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN' })
        expect(await other.selectFrom('templates').select('name').execute()).toEqual([])
      } finally {
        await bed.close()
      }
    })
  })
})
