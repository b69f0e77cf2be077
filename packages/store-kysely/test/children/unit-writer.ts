// Writes a unit of work and ends by kill -9 between its halves: when the first row of the second one is about to be written.
import { AuditChain, auditEvent, MasterKey, MasterKeyRing } from '@mcp-platform/auth'
import { SQLITE_PRAGMAS, type StoreTables } from '@mcp-platform/store-kysely'
import { kyselyUnitOfWork } from '@mcp-platform/store-kysely/gateway'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

const database = new Database(process.argv[2] ?? '')
for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma)
database.function('die', () => {
  process.kill(process.pid, 'SIGKILL')
  return null
})
database.exec('create temp trigger die before insert on users begin select die(); end')
const chain = new AuditChain({ node: 'n1', keys: new MasterKeyRing(MasterKey.generate()).derive('audit-chain') })
const unit = kyselyUnitOfWork(new Kysely<StoreTables>({ dialect: new SqliteDialect({ database }) }), 'sqlite', {
  chain,
})
const at = new Date()
const user = { name: 'eve', role: 'user', scopes: [], disabled: false, epoch: 1, createdAt: at, updatedAt: at } as const
await unit.commit({
  registry: {
    diff: { operations: [{ op: 'put-template', template: { name: 'fs', settings: {} } }], action: 'registry.import' },
    by: { actor: 'writer' },
  },
  identity: {
    changes: [{ op: 'put-user', user }],
    expectedVersion: 0,
    audit: auditEvent({ at, actor: 'writer', action: 'user.import' }),
  },
})
