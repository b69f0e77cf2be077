import { describe, expect, it } from '@jest/globals'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import { sql } from 'kysely'
import { transact } from '../src/index.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { onServer } from './on-server.js'
import { migrated, postgres } from './support.js'

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
