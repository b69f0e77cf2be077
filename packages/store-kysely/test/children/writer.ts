// Registers one instance after the other, each with its audit record, and says so on stdout once it is acknowledged.
import { writeSync } from 'node:fs'
import { SQLITE_PRAGMAS, type StoreTables } from '@mcp-platform/store-kysely'
import { kyselyRegistryStore } from '@mcp-platform/store-kysely/registry'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

const database = new Database(process.argv[2] ?? '')
for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma)
const store = kyselyRegistryStore(new Kysely<StoreTables>({ dialect: new SqliteDialect({ database }) }), 'sqlite')
const attach = { kind: 'stdio', command: 'x', args: [], env: { TOKEN: 'x'.repeat(2_000) } } as const

for (let n = 1; ; n += 1) {
  const id = `i-${process.pid}-${n}`
  const version = await store.commit(
    {
      action: 'instance.register',
      operations: [
        { op: 'put-template', template: { name: 'fs', settings: { maxRetries: n % 10 } } },
        {
          op: 'put-instance',
          instance: {
            template: 'fs',
            id,
            attach,
            protocol: 'auto',
            weight: n,
            metadata: {},
            state: 'active',
            source: 'api',
            override: {},
            generation: n,
          },
        },
      ],
    },
    { actor: 'writer' },
  )
  writeSync(1, `${version} ${id}\n`)
}
