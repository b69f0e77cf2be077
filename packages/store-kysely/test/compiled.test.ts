import { afterEach, describe, expect, it } from '@jest/globals'
import type { Kysely } from 'kysely'
import { copyIn, copyOut } from '../src/backup.js'
import { kyselyIdempotencyStore, kyselyLeaseStore, kyselyNodeStore, sweep } from '../src/gateway.js'
import { kyselyCircuitStore } from '../src/health.js'
import type { DialectName, StoreTables } from '../src/index.js'
import { MIGRATION_STEPS } from '../src/migration-steps.js'
import { migrate } from '../src/migrations.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { type Recorded, recordedMssql, recordedOracle } from './recorded.js'
import { openSqlite } from './support.js'

const INSTANT = '2026-11-22T10:00:00.123Z'
/** Fits every select that must find something. */
const ROW = {
  v: '1',
  pruned: '0',
  instant: INSTANT,
  taken: true,
  id: 1,
  owner: '-',
  generation: 0,
  expires_at: INSTANT,
}
const FINDS = /^(declare|select .*(from "registry_version"|sysutcdatetime|systimestamp|from "leases"))/

/** What a database answers: with `migrated` it has our schema, without it has nothing. */
function answer(sql: string, migrated: boolean): object[] {
  if (FINDS.test(sql) && !sql.includes('order by')) return [ROW]
  if (!migrated) return []
  if (sql.includes('user_tab_columns')) return [{ table: 'schema_migrations', name: 'name', type: 'X', nullable: 'N' }]
  if (sql.includes('"table_type"')) return [{ table_name: 'schema_migrations', table_type: 'U ', column_name: 'name' }]
  return sql.startsWith('select "name" from "schema_migrations"') ? MIGRATION_STEPS.map(({ name }) => ({ name })) : []
}

const mssql = (migrated = false): Recorded => recordedMssql((sql) => answer(sql, migrated))
const oracle = (migrated = false): Recorded => recordedOracle((sql) => answer(sql, migrated))

async function everyQuery(db: Kysely<StoreTables>, dialect: DialectName): Promise<void> {
  const store = kyselyRegistryStore(db, dialect)
  await store.commit(
    {
      action: 'test',
      operations: [
        { op: 'delete-template', name: 'old' },
        { op: 'put-template', template: { name: 'fs', settings: { maxRetries: 1 } } },
        { op: 'delete-instance', template: 'fs', id: 'a' },
      ],
    },
    { actor: 'x' },
  )
  await store.load()
  await store.changesSince(0)
  const circuits = kyselyCircuitStore(db, dialect)
  await circuits.save([
    { kind: 'set', circuit: { group: 'g', id: 'i', state: 'closed', opens: 0, since: new Date(0) } },
    { kind: 'forget', group: 'g', id: 'j' },
  ])
  await circuits.load()
  const nodes = kyselyNodeStore(db, dialect)
  await nodes.heartbeat({ id: 'n' })
  await nodes.live(1)
  await nodes.remove('n')
  const leases = kyselyLeaseStore(db, dialect)
  const lease = await leases.take('sweep', 'n', 1_000)
  expect(lease).toEqual({ name: 'sweep', owner: 'n', generation: 1 })
  if (lease === undefined) return
  await expect(leases.fenced(lease, async () => undefined)).rejects.toMatchObject({ code: 'STORE_LEASE_LOST' })
  await leases.release(lease)
  await db.transaction().execute((trx) => sweep(trx, dialect))
  const keys = kyselyIdempotencyStore(db, dialect)
  const claim = { principal: 'p', template: 'fs', key: 'k', fingerprint: 'f', owner: 'n', claimMs: 1_000 }
  expect(await keys.claim(claim)).toEqual({ state: 'claimed' })
  await keys.complete(claim, '{}')
  await keys.release(claim)
  await keys.read(claim)
  await keys.sweep(10)
}

const opened: Kysely<StoreTables>[] = []

afterEach(async () => {
  for (const db of opened.splice(0)) await db.destroy()
})

/** A database with one instance to restore from. */
async function original(): Promise<Kysely<StoreTables>> {
  const db = openSqlite(':memory:')
  opened.push(db)
  await migrate(db, 'sqlite')
  const put = { op: 'put-template', template: { name: 'fs', settings: {} } } as const
  await kyselyRegistryStore(db, 'sqlite').commit({ action: 'test', operations: [put] }, { actor: 'x' })
  return db
}

const FOREIGN_TO_MSSQL = /if not exists|\btext\b|\bboolean\b|\blimit\b|\bdual\b/

describe.each([
  ['SQL Server', 'mssql', mssql, FOREIGN_TO_MSSQL],
  // A word of SQL in lower case that Oracle does not know, or a name without quotes, which it would turn to upper case.
  ['Oracle', 'oracle', oracle, /if not exists|\btext\b|\bboolean\b|\blimit\b|\btop\(| values \(.*\), \(|@\d/],
] as const)('%s (compiled, not run)', (_name, dialect, make, foreign) => {
  it('gets the lock, types and statements that it knows for the schema', async () => {
    const { db, statements } = make()
    await migrate(db, dialect)
    expect(statements).toMatchSnapshot()
    expect(statements.join('\n')).not.toMatch(foreign)
  })

  it('gets every query without what only others understand', async () => {
    const { db, statements } = make()
    await everyQuery(db, dialect)
    expect(statements).toMatchSnapshot()
    expect(statements.join('\n')).not.toMatch(foreign)
    expect(statements.join('\n')).not.toMatch(/on conflict|on duplicate key|\breturning\b|`|excluded\./)
  })

  it('is asked for a backup page by page in words of its own', async () => {
    const { db, statements } = make(true)
    const copy = openSqlite(':memory:')
    opened.push(copy)
    await copyOut({ db, dialect }, { db: copy, dialect: 'sqlite' })
    expect(statements).toMatchSnapshot()
    expect(statements.join('\n')).not.toMatch(foreign === FOREIGN_TO_MSSQL ? /\blimit\b|fetch/ : /\blimit\b|\btop\(/)
  })

  it('gets a restored backup in statements of its own', async () => {
    const { db, statements } = make(true)
    await copyIn({ db: await original(), dialect: 'sqlite' }, { db, dialect })
    expect(statements).toMatchSnapshot()
    expect(statements.join('\n')).not.toMatch(foreign)
  })
})

describe('Oracle (compiled, not run)', () => {
  it('names tables and columns in quotes only', async () => {
    const { db, statements } = oracle()
    await migrate(db, 'oracle')
    await everyQuery(db, 'oracle')
    const unquoted = statements.join('\n').replace(/"[^"]*"|'[^']*'|--.*/g, '')
    for (const name of ['instances', 'templates', 'tombstones', 'registry_version', 'nodes', 'leases', 'pruned'])
      expect(unquoted).not.toContain(name)
  })

  it('commits by itself outside a transaction, and never within one', async () => {
    const { db, statements } = oracle()
    await kyselyNodeStore(db, 'oracle').remove('n')
    await kyselyNodeStore(db, 'oracle').heartbeat({ id: 'n' })
    expect(statements[0]).toMatch(/^delete .*-- commits$/)
    expect(statements.slice(1, -1).join('\n')).not.toContain('commits')
    expect(statements.at(-1)).toBe('-- commit')
  })
})
