import { type Kysely, sql } from 'kysely'
import { type DialectName, isTransient } from './dialects.js'
import { MigrationLockedError } from './errors.js'
import type { StoreTables } from './tables.js'
import { pause } from './transact.js'

const LOCK_NAME = 'mcp_platform_migrations'
// Any constant will do, as long as all versions share it.
const LOCK_NUMBER = 7_307_199_001
const POLL_MS = 100

/** How long to wait for another process that migrates. */
export interface LockWait {
  /** Milliseconds. */
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `body` while no other process can be in here for the same database; whoever comes second waits. The lock goes with
 * its connection, so that a process that dies leaves none behind. On SQLite it is a write transaction around everything.
 * @throws MigrationLockedError after `waitMs`
 */
export function withMigrationLock<T>(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  wait: LockWait,
  body: (connection: Kysely<StoreTables>) => Promise<T>,
): Promise<T> {
  if (dialect === 'oracle') return withOracleLock(db, wait, body)
  return db.connection().execute((connection) => withLock(connection, LOCKS[dialect], wait, () => body(connection)))
}

async function withLock<T>(
  connection: Kysely<StoreTables>,
  lock: Lock,
  wait: LockWait,
  body: () => Promise<T>,
): Promise<T> {
  await waitFor(() => lock.tryTake(connection), wait)
  let result: T
  try {
    result = await body()
  } catch (error) {
    await lock.giveUp(connection)
    throw error
  }
  await lock.release(connection)
  return result
}

interface Lock {
  /** Resolves to false when another process has it. */
  tryTake(db: Kysely<StoreTables>): Promise<boolean>
  release(db: Kysely<StoreTables>): Promise<void>
  /** Releases after a failure. */
  giveUp(db: Kysely<StoreTables>): Promise<void>
}

const SQLITE: Lock = {
  tryTake: (db) => unlessBusy('sqlite', () => sql`begin immediate`.execute(db)),
  release: (db) => run(sql`commit`.execute(db)),
  giveUp: (db) => run(sql`rollback`.execute(db)),
}

const POSTGRES: Lock = named(
  (db) => sql<{ taken: boolean }>`select pg_try_advisory_lock(${sql.lit(LOCK_NUMBER)}) as taken`.execute(db),
  (db) => run(sql`select pg_advisory_unlock(${sql.lit(LOCK_NUMBER)})`.execute(db)),
)

const MYSQL: Lock = named(
  (db) => sql<{ taken: number }>`select get_lock(${sql.lit(LOCK_NAME)}, 0) as taken`.execute(db),
  (db) => run(sql`select release_lock(${sql.lit(LOCK_NAME)})`.execute(db)),
)

// sp_getapplock answers 0 or 1 when the lock was granted, a negative number when not.
const MSSQL: Lock = named(
  (db) =>
    sql<{
      taken: boolean
    }>`declare @answer int; exec @answer = sp_getapplock @Resource = ${sql.lit(LOCK_NAME)}, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0; select cast(case when @answer >= 0 then 1 else 0 end as bit) as taken`.execute(
      db,
    ),
  (db) => run(sql`exec sp_releaseapplock @Resource = ${sql.lit(LOCK_NAME)}, @LockOwner = 'Session'`.execute(db)),
)

const LOCKS: Readonly<Record<Exclude<DialectName, 'oracle'>, Lock>> = {
  sqlite: SQLITE,
  postgres: POSTGRES,
  mysql: MYSQL,
  mssql: MSSQL,
}

// In Oracle DDL commits, and with that gives up every lock of its session, and DBMS_LOCK must be granted by a DBA: so a
// second session holds a table, which ends with its transaction.
async function withOracleLock<T>(
  db: Kysely<StoreTables>,
  wait: LockWait,
  body: (connection: Kysely<StoreTables>) => Promise<T>,
): Promise<T> {
  await makeGuard(db)
  return db.transaction().execute(async (holder) => {
    await waitFor(() => unlessBusy('oracle', () => lockGuard(holder)), wait)
    return db.connection().execute(body)
  })
}

const GUARD = 'schema_migrations_guard'

async function makeGuard(db: Kysely<StoreTables>): Promise<void> {
  const present = async (): Promise<boolean> =>
    (await db.introspection.getTables()).some((table) => table.name === GUARD)
  if (await present()) return
  try {
    await sql`create table ${sql.table(GUARD)} (${sql.ref('id')} number(1))`.execute(db)
  } catch (error) {
    // Another process was faster.
    if (!(await present())) throw error
  }
}

function lockGuard(db: Kysely<StoreTables>): Promise<unknown> {
  return sql`lock table ${sql.table(GUARD)} in exclusive mode nowait`.execute(db)
}

function named(
  take: (db: Kysely<StoreTables>) => Promise<{ rows: { taken: boolean | number }[] }>,
  release: Lock['release'],
): Lock {
  const tryTake = async (db: Kysely<StoreTables>): Promise<boolean> => {
    const taken = (await take(db)).rows[0]?.taken
    return taken === true || taken === 1
  }
  return { tryTake, release, giveUp: release }
}

async function unlessBusy(dialect: DialectName, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isTransient(dialect, error)) return false
    throw error
  }
}

async function waitFor(tryTake: () => Promise<boolean>, { waitMs, signal }: LockWait): Promise<void> {
  const begun = performance.now()
  for (;;) {
    signal?.throwIfAborted()
    if (await tryTake()) return
    const waited = performance.now() - begun
    if (waited >= waitMs) throw new MigrationLockedError(waited)
    await pause(POLL_MS, signal)
  }
}

async function run(work: Promise<unknown>): Promise<void> {
  await work
}
