import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { DialectName } from './dialects.js'
import { MigrationFailedError, SchemaNewerError } from './errors.js'
import { withMigrationLock } from './migration-lock.js'
import { MIGRATION_STEPS, type MigrationStep } from './migration-steps.js'
import type { StoreTables } from './tables.js'

const MIGRATION_TABLE = 'schema_migrations'
const MIGRATION_LOCK_TABLE = 'schema_migrations_lock'
/** Ends the name of a migration that older versions cannot live with. */
const BREAKING = '.breaking'
// Another node's migration may take a while on a large database.
const DEFAULT_LOCK_WAIT_MS = 60_000

/** Options of {@link migrate}. */
export interface MigrateOptions {
  /** Gives up waiting for the lock. A migration that has begun is finished. */
  readonly signal?: AbortSignal | undefined
  /** How long to wait for another process that migrates, in milliseconds. @default 60_000 */
  readonly lockWaitMs?: number | undefined
}

/** How the database stands to this version of the package. */
export interface MigrationStatus {
  /** `empty`: nothing of ours is there. `newer`: it holds migrations that this version does not know. */
  readonly state: 'empty' | 'current' | 'pending' | 'newer'
  /** Done, in their order. */
  readonly applied: readonly string[]
  /** To be done, in their order. With `newer` and nothing pending this version may go on serving beside the newer one. */
  readonly pending: readonly string[]
  /** In the database, but not in this version. */
  readonly unknown: readonly string[]
  /** This version may work on the database: nothing that it needs is missing, and nothing newer took that away. */
  readonly usable: boolean
}

/** What a run did. */
export interface Migrated {
  /** Names of the migrations that this run did; empty when another process was faster or nothing was to do. */
  readonly applied: readonly string[]
}

/**
 * Brings the schema up to this version. Safe to call from several processes at once: one does it, the others wait.
 * Forward only. An interrupted run is continued by the next one.
 * @throws SchemaNewerError, MigrationLockedError, MigrationFailedError
 */
export async function migrate(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  options: MigrateOptions = {},
): Promise<Migrated> {
  const wait = { waitMs: options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS, signal: options.signal }
  return withMigrationLock(db, dialect, wait, async (connection) => {
    const { unknown } = await statusOf(connection)
    if (unknown.length > 0) throw new SchemaNewerError(unknown)
    return { applied: await run(connection, dialect, MIGRATION_STEPS) }
  })
}

/**
 * Brings an empty database to the schema of another one: exactly these migrations. For restoring older backups.
 * @throws SchemaNewerError for a migration that this version does not know
 */
export async function migrateExactly(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  names: readonly string[],
): Promise<void> {
  const unknown = names.filter((name) => !MIGRATION_STEPS.some((step) => step.name === name))
  if (unknown.length > 0) throw new SchemaNewerError(unknown)
  const steps = MIGRATION_STEPS.filter((step) => names.includes(step.name))
  await withMigrationLock(db, dialect, { waitMs: 0 }, (connection) => run(connection, dialect, steps))
}

/** Compares the database with this version; changes nothing. */
export async function migrationStatus(db: Kysely<StoreTables>): Promise<MigrationStatus> {
  return db.connection().execute(statusOf)
}

async function statusOf(db: Kysely<StoreTables>): Promise<MigrationStatus> {
  const applied = await appliedNames(db)
  const known = MIGRATION_STEPS.map((step) => step.name)
  const pending = known.filter((name) => !applied.includes(name))
  const unknown = applied.filter((name) => !known.includes(name))
  const usable = pending.length === 0 && !unknown.some((name) => name.endsWith(BREAKING))
  return { state: stateOf(applied, pending, unknown), applied, pending, unknown, usable }
}

function stateOf(
  applied: readonly string[],
  pending: readonly string[],
  unknown: readonly string[],
): MigrationStatus['state'] {
  if (applied.length === 0) return 'empty'
  if (unknown.length > 0) return 'newer'
  return pending.length > 0 ? 'pending' : 'current'
}

async function appliedNames(db: Kysely<StoreTables>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === MIGRATION_TABLE)) return []
  const history = db.withTables<{ [MIGRATION_TABLE]: { name: string } }>()
  const rows = await history.selectFrom(MIGRATION_TABLE).select('name').orderBy('name').execute()
  return rows.map((row) => row.name)
}

async function run(db: Kysely<StoreTables>, dialect: DialectName, steps: readonly MigrationStep[]): Promise<string[]> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrationsFor(dialect, steps) },
    migrationTableName: MIGRATION_TABLE,
    migrationLockTableName: MIGRATION_LOCK_TABLE,
  })
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error !== undefined) {
    const failed = results.find((result) => result.status === 'Error')
    throw new MigrationFailedError(failed?.migrationName, { cause: error })
  }
  return results.map((result) => result.migrationName)
}

function migrationsFor(dialect: DialectName, steps: readonly MigrationStep[]): Record<string, Migration> {
  return Object.fromEntries(steps.map((step) => [step.name, { up: (db) => step.up(db, dialect) }]))
}
