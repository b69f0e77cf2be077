import { type Expression, type Kysely, type SqlBool, sql } from 'kysely'
import { type Database, type DialectName, insertRows, traitsOf } from './dialects.js'
import { SchemaNewerError } from './errors.js'
import { MIGRATION_STEPS, type TableKey } from './migration-steps.js'
import { migrateExactly, migrationStatus } from './migrations.js'
import type { StoreTables } from './tables.js'
import { lockVersion } from './tombstones.js'
import { transact } from './transact.js'

// SQL Server takes 2,100 parameters in one statement; the widest table has 20 columns at most.
const ROWS_AT_ONCE = 100

/** A database with our tables. */
export interface Place {
  readonly db: Kysely<StoreTables>
  readonly dialect: DialectName
}

/** How many rows of which table were copied. */
export type CopiedRows = Readonly<Record<string, number>>

type Row = Record<string, unknown>

/**
 * Copies everything but what is about running processes into an empty database, as of one moment. The copy has the schema
 * of the original, also if that is older than this version's.
 * @throws SchemaNewerError when the original is newer than this version
 */
export async function copyOut(from: Place, to: Place): Promise<CopiedRows> {
  const { applied, unknown } = await migrationStatus(from.db)
  if (unknown.length > 0) throw new SchemaNewerError(unknown)
  await migrateExactly(to.db, to.dialect, applied)
  return transact({ ...from, snapshot: true }, (source) =>
    transact(to, async (target) => {
      await emptyTables(target, applied)
      return copyAll(source, from.dialect, { db: target, dialect: to.dialect, applied })
    }),
  )
}

/**
 * Puts a copy in the place of what a database holds, in one transaction: all or nothing. Both have this version's schema.
 * Nodes that are running take it over at their next look, as a whole.
 */
export async function copyIn(from: Place, to: Place): Promise<CopiedRows> {
  const { applied } = await migrationStatus(to.db)
  return transact(to, async (target) => {
    await lockVersion(target)
    const before = await versionOf(target)
    await emptyTables(target, applied)
    const copied = await copyAll(from.db, from.dialect, { db: target, dialect: to.dialect, applied })
    const version = Math.max(before, await versionOf(target)) + 1
    // Whoever is at an older version must load everything: what is gone has left no tombstone.
    await target.updateTable('registry_version').set({ v: version, pruned: version }).where('id', '=', 1).execute()
    return copied
  })
}

/** Takes what is about running processes out of a copy of a whole file. @returns how many rows there are of the rest */
export async function forgetPassing({ db }: Pick<Place, 'db'>): Promise<CopiedRows> {
  const { applied } = await migrationStatus(db)
  const tables = MIGRATION_STEPS.filter((step) => applied.includes(step.name)).flatMap(({ table }) => table ?? [])
  const rows: Record<string, number> = {}
  for (const { name, passing } of tables) {
    if (passing === true) await db.deleteFrom(name).execute()
    else rows[name] = await countOf(db, name)
  }
  return rows
}

async function countOf(db: Database, table: keyof StoreTables): Promise<number> {
  const { rows } = await sql<{
    n: number | string
  }>`select count(*) as ${sql.ref('n')} from ${sql.table(table)}`.execute(db)
  return Number(rows[0]?.n ?? 0)
}

/** True when a database holds nothing that a restore would take away. */
export async function isBlank({ db, dialect }: Place): Promise<boolean> {
  const { applied } = await migrationStatus(db)
  for (const table of keptTables(applied)) {
    // One row is always there; the other one says whose master key a gateway had that was started once.
    if (table.name === 'registry_version' || table.name === 'key_checks') continue
    if ((await page(db, dialect, table, undefined)).length > 0) return false
  }
  return true
}

function keptTables(applied: readonly string[]): TableKey[] {
  return MIGRATION_STEPS.filter((step) => applied.includes(step.name)).flatMap(({ table }) =>
    table === undefined || table.passing === true ? [] : [table],
  )
}

// In reverse order, as a later table may refer to an earlier one.
async function emptyTables(db: Database, applied: readonly string[]): Promise<void> {
  for (const { name } of keptTables(applied).reverse()) await db.deleteFrom(name).execute()
}

async function copyAll(
  source: Database,
  sourceDialect: DialectName,
  target: { db: Database; dialect: DialectName; applied: readonly string[] },
): Promise<CopiedRows> {
  const copied: Record<string, number> = {}
  for (const table of keptTables(target.applied)) {
    copied[table.name] = 0
    for await (const rows of pages(source, sourceDialect, table)) {
      // As they are: a table has the same columns in both.
      await insertRows(target.db, target.dialect, table.name, rows as never[])
      copied[table.name] = (copied[table.name] ?? 0) + rows.length
    }
  }
  return copied
}

/** A table page by page in the order of its key; each page begins after the last row of the one before. */
async function* pages(db: Database, dialect: DialectName, table: TableKey): AsyncGenerator<Row[]> {
  let last: Row | undefined
  for (;;) {
    const rows = await page(db, dialect, table, last)
    if (rows.length === 0) return
    yield rows
    last = rows.at(-1)
  }
}

async function page(db: Database, dialect: DialectName, table: TableKey, after: Row | undefined): Promise<Row[]> {
  const how = traitsOf(dialect).firstRows
  const top = how === 'top' ? sql`top(${sql.lit(ROWS_AT_ONCE)}) ` : sql``
  const where = after === undefined ? sql`` : sql` where ${behind(table.primaryKey, after)}`
  const order = sql.join(table.primaryKey.map((column) => sql.ref(column)))
  const tail = { limit: sql` limit ${sql.lit(ROWS_AT_ONCE)}`, top: sql``, fetch: FETCH }[how]
  const query = sql<Row>`select ${top}* from ${sql.table(table.name)}${where} order by ${order}${tail}`
  return (await query.execute(db)).rows
}

const FETCH = sql` fetch first ${sql.lit(ROWS_AT_ONCE)} rows only`

/** `(a, b) > (x, y)` in words that every database knows. */
function behind(key: readonly string[], row: Row): Expression<SqlBool> {
  const cases = key.map((column, index) => {
    const same = key.slice(0, index).map((before) => sql`${sql.ref(before)} = ${row[before]}`)
    return sql`(${sql.join([...same, sql`${sql.ref(column)} > ${row[column]}`], sql` and `)})`
  })
  return sql<SqlBool>`(${sql.join(cases, sql` or `)})`
}

async function versionOf(db: Database): Promise<number> {
  const row = await db.selectFrom('registry_version').select('v').where('id', '=', 1).executeTakeFirst()
  return Number(row?.v ?? 0)
}
