import {
  type InsertObject,
  type Kysely,
  type RawBuilder,
  type SelectQueryBuilder,
  type SqlBool,
  sql,
  type Transaction,
} from 'kysely'
import type { StoreTables } from './tables.js'

/** The databases this package knows. MariaDB is `mysql`. */
export type DialectName = 'sqlite' | 'postgres' | 'mysql' | 'mssql' | 'oracle'

/** A Kysely or a transaction of it on our tables. */
export type Database = Kysely<StoreTables> | Transaction<StoreTables>

/**
 * What an SQLite connection needs before it is given to Kysely; run each with `PRAGMA`.
 * WAL: readers and the writer do not wait for each other. busy_timeout: a locked file holds the event loop for 100 ms at
 * most, {@link transact} waits on without holding it. synchronous FULL: what was acknowledged survives a power failure.
 */
export const SQLITE_PRAGMAS: readonly string[] = [
  'journal_mode = WAL',
  'busy_timeout = 100',
  'synchronous = FULL',
  'foreign_keys = ON',
]

/** Everything in which the databases differ; nowhere else in this package is a dialect asked for. */
export interface DialectTraits {
  /** Type of a text of at most `length` characters that may be a key: compared byte by byte, case counts. */
  key(length: number): string
  /** Type of a text of any length. */
  readonly text: string
  readonly double: string
  readonly bigint: string
  /** How a table is made so that a step can be run again: the database says so, takes DDL back, or we look first. */
  readonly createTable: 'if-not-exists' | 'transactional' | 'look-first'
  /** Finds an index of ours by its name, where `create index` cannot say "if not exists" and DDL is not taken back. */
  readonly findIndex?: ((name: string) => RawBuilder<unknown>) | undefined
  /** One insert takes many rows. */
  readonly manyRows: boolean
  /** How the first rows of an answer are said. */
  readonly firstRows: 'limit' | 'top' | 'fetch'
  /** Texts of any length can be compared by `=`. */
  readonly comparesText: boolean
  /** How an upsert is said. */
  readonly upsert: 'on-conflict' | 'on-duplicate-key' | 'delete-insert'
  /** The isolation level in which all reads of one transaction see one moment; undefined where it is always so. */
  readonly snapshot: 'repeatable read' | 'serializable' | undefined
  /** Error codes after which the same transaction may simply be run again. */
  readonly transient: readonly (string | number)[]
  /** The database's clock in UTC as ISO 8601. */
  readonly now: RawBuilder<string>
}

const TRAITS: Readonly<Record<DialectName, DialectTraits>> = {
  sqlite: {
    key: () => 'text',
    text: 'text',
    double: 'real',
    bigint: 'integer',
    createTable: 'if-not-exists',
    manyRows: true,
    comparesText: true,
    firstRows: 'limit',
    upsert: 'on-conflict',
    snapshot: undefined,
    transient: ['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_BUSY_RECOVERY', 'SQLITE_BUSY_TIMEOUT', 'SQLITE_LOCKED'],
    now: sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', 'now')`,
  },
  postgres: {
    // Linguistic collations may find different texts equal or order them by locale; "C" compares bytes.
    key: (length) => `varchar(${length}) collate "C"`,
    text: 'text',
    double: 'double precision',
    bigint: 'bigint',
    createTable: 'if-not-exists',
    manyRows: true,
    comparesText: true,
    firstRows: 'limit',
    upsert: 'on-conflict',
    snapshot: 'repeatable read',
    // serialization_failure, deadlock_detected, lock_not_available
    transient: ['40001', '40P01', '55P03'],
    now: sql<string>`to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  },
  mysql: {
    // The default collation ignores case and accents: "Files-1" and "files-1" would be one key.
    key: (length) => `varchar(${length}) character set utf8mb4 collate utf8mb4_bin`,
    text: 'longtext character set utf8mb4 collate utf8mb4_bin',
    double: 'double',
    bigint: 'bigint',
    createTable: 'if-not-exists',
    // MariaDB would say it, MySQL does not.
    findIndex: (name) =>
      sql`select index_name from information_schema.statistics where table_schema = database() and index_name = ${name}`,
    manyRows: true,
    comparesText: true,
    firstRows: 'limit',
    upsert: 'on-duplicate-key',
    snapshot: 'repeatable read',
    transient: ['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD', 1213, 1205, 1020],
    now: sql<string>`date_format(utc_timestamp(3), '%Y-%m-%dT%H:%i:%s.%fZ')`,
  },
  mssql: {
    key: (length) => `nvarchar(${length}) collate Latin1_General_100_BIN2`,
    text: 'nvarchar(max)',
    double: 'float',
    bigint: 'bigint',
    createTable: 'transactional',
    manyRows: true,
    comparesText: true,
    firstRows: 'top',
    upsert: 'delete-insert',
    // Readers lock the version row first, and every writer needs it first.
    snapshot: 'repeatable read',
    transient: [1205, 1222],
    now: sql<string>`concat(convert(varchar(23), sysutcdatetime(), 126), 'Z')`,
  },
  oracle: {
    key: (length) => `varchar2(${length} char)`,
    text: 'clob',
    double: 'binary_double',
    bigint: 'number(19)',
    createTable: 'look-first',
    findIndex: (name) =>
      sql`select ${sql.ref('INDEX_NAME')} from ${sql.table('USER_INDEXES')} where ${sql.ref('INDEX_NAME')} = ${name}`,
    manyRows: false,
    comparesText: false,
    firstRows: 'fetch',
    upsert: 'delete-insert',
    snapshot: 'serializable',
    // resource busy, deadlock, cannot serialise, lock timeout
    transient: ['ORA-00054', 'ORA-00060', 'ORA-08177', 'ORA-30006'],
    now: sql<string>`to_char(sys_extract_utc(systimestamp), 'YYYY-MM-DD"T"HH24:MI:SS.FF3"Z"')`,
  },
}

/** What is special about a database. @throws RangeError for an unknown name */
export function traitsOf(dialect: DialectName): DialectTraits {
  const traits = TRAITS[dialect]
  if (traits === undefined) throw new RangeError(`store-kysely: unknown dialect ${JSON.stringify(dialect)}`)
  return traits
}

/** True for an error after which the same transaction may simply be run again: nothing of it holds. */
export function isTransient(dialect: DialectName, error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const codes = Object.entries(error).filter(([name]) => name === 'code' || name === 'errno' || name === 'number')
  return codes.some(([, code]) => traitsOf(dialect).transient.includes(code))
}

/** True where a column of any length has this text: Oracle does not compare such columns by `=`. */
export function sameText(dialect: DialectName, column: string, value: string): RawBuilder<SqlBool> {
  if (traitsOf(dialect).comparesText) return sql<SqlBool>`${sql.ref(column)} = ${value}`
  return sql<SqlBool>`dbms_lob.compare(${sql.ref(column)}, ${value}) = 0`
}

/** The first rows of an answer, in the words of the database. */
export function firstRows<DB, TB extends keyof DB, O>(
  query: SelectQueryBuilder<DB, TB, O>,
  dialect: DialectName,
  count: number,
): SelectQueryBuilder<DB, TB, O> {
  const how = traitsOf(dialect).firstRows
  if (how === 'limit') return query.limit(count)
  return how === 'top' ? query.top(count) : query.fetch(count)
}

/** Rows to write, and by which columns a row is recognised. */
export interface Upsert<T extends keyof StoreTables> {
  readonly table: T
  readonly keys: readonly (keyof StoreTables[T] & string)[]
  readonly rows: readonly InsertObject<StoreTables, T>[]
}

/** Inserts rows or replaces those that have the same key. All rows have the same columns. */
export async function upsert<T extends keyof StoreTables>(
  db: Database,
  dialect: DialectName,
  { table, keys, rows }: Upsert<T>,
): Promise<void> {
  const [first] = rows
  if (first === undefined) return
  const columns = Object.keys(first).filter((column) => !keys.some((key) => key === column))
  const how = traitsOf(dialect).upsert
  if (how === 'delete-insert') await deleteRows(db, table, keys, rows)
  if (how === 'delete-insert') {
    await insertRows(db, dialect, table, rows)
    return
  }
  const insert = db.insertInto(table).values([...rows])
  await withConflict(insert, how).execute()

  function withConflict(
    query: typeof insert,
    style: 'on-conflict' | 'on-duplicate-key',
  ): { execute(): Promise<unknown> } {
    const taken = (column: string) =>
      style === 'on-conflict' ? sql`${sql.ref(`excluded.${column}`)}` : sql`values(${sql.ref(column)})`
    const set = sql.join(columns.map((column) => sql`${sql.ref(column)} = ${taken(column)}`))
    const conflict =
      style === 'on-conflict'
        ? sql`on conflict (${sql.join(keys.map((key) => sql.ref(key)))}) do update set ${set}`
        : sql`on duplicate key update ${set}`
    return query.modifyEnd(conflict)
  }
}

/** Inserts rows: at once, or one by one where the database takes no more. All rows have the same columns. */
export async function insertRows<T extends keyof StoreTables>(
  db: Database,
  dialect: DialectName,
  table: T,
  rows: readonly InsertObject<StoreTables, T>[],
): Promise<void> {
  const parts = traitsOf(dialect).manyRows ? [[...rows]] : rows.map((row) => [row])
  for (const part of parts) await db.insertInto(table).values(part).execute()
}

async function deleteRows<T extends keyof StoreTables>(
  db: Database,
  table: T,
  keys: readonly string[],
  rows: readonly InsertObject<StoreTables, T>[],
): Promise<void> {
  for (const row of rows) {
    const values: Readonly<Record<string, unknown>> = { ...row }
    const same = sql.join(
      keys.map((key) => sql`${sql.ref(key)} = ${values[key]}`),
      sql` and `,
    )
    await sql`delete from ${sql.table(table)} where ${same}`.execute(db)
  }
}
