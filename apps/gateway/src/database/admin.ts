import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreTables } from '@mcp-platform/store-kysely'
import { type CopiedRows, copyIn, copyOut, forgetPassing, isBlank, type Place } from '@mcp-platform/store-kysely/backup'
import { type MigrationStatus, migrate, migrationStatus } from '@mcp-platform/store-kysely/migrations'
import SqliteDatabase from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { effectiveModes } from '../config/effective.js'
import { type ConfigSources, loadConfig } from '../config/load.js'
import { hidePassword } from '../config/settings.js'
import { reasonOf } from '../errors.js'
import { type OpenStoresOptions, openStores, type Stores } from '../open-stores.js'
import { PackedFileError } from '../packed/packed-error.js'
import { packFile, unpackFile } from '../packed/packed-file.js'
import { stateFolder } from '../state/folder.js'
import { unreachable } from './dialects.js'
import { isDatabaseFailure } from './failure.js'
import { poolOptions } from './pool-options.js'
import { type DatabaseUrl, parseDatabaseUrl } from './url.js'

/** How a database stands to this version of the gateway. */
export interface DatabaseStatus extends MigrationStatus {
  /** Without its password. */
  readonly database: string
}

/** A backup that was made. */
export interface BackupResult {
  readonly database: string
  readonly file: string
  readonly bytes: number
  /** Of the file but for its last 32 bytes, which are it. */
  readonly sha256: string
  readonly encrypted: boolean
  readonly rows: CopiedRows
}

/** A backup that was restored. */
export interface RestoreResult {
  readonly database: string
  readonly created_at: string
  readonly rows: CopiedRows
}

/** Which file, and what protects it. */
export interface BackupOptions {
  readonly file: string
  /** Encrypts the backup. @default it is not encrypted */
  readonly passphrase?: string | undefined
  /** Version of the gateway, for the header. */
  readonly version: string
}

/** Which file, and whether it may take the place of what is there. */
export interface RestoreOptions {
  readonly file: string
  readonly passphrase?: string | undefined
  /** Restore over a database that is not empty. @default false */
  readonly replace?: boolean | undefined
}

/** Compares the database of these settings with this version; changes nothing. The gateway need not run. */
export async function databaseStatus(sources: ConfigSources): Promise<DatabaseStatus> {
  return withStores(sources, { schema: 'skip', mustExist: true }, async ({ kysely }, { shown }) => ({
    database: shown,
    ...(await migrationStatus(kysely)),
  }))
}

/** Brings the schema up to date. @returns the names of what was done */
export async function migrateDatabase(
  sources: ConfigSources,
): Promise<{ readonly database: string; readonly applied: readonly string[] }> {
  const { url, shown, pool } = await databaseOf(sources)
  const before = await withStores(sources, { schema: 'skip' }, ({ kysely }) => migrationStatus(kysely))
  const stores = await openStores({ database: url, pool, schema: 'apply' })
  try {
    const { applied } = await migrationStatus(stores.kysely)
    return { database: shown, applied: applied.filter((name) => !before.applied.includes(name)) }
  } finally {
    await stores.close()
  }
}

/**
 * Writes everything that the database holds as of one moment into one file, while the gateway may run.
 * Credentials that are sealed stay sealed: the master key is not in it, keep it apart.
 * @throws GatewayStartError, PackedFileError
 */
export async function backupDatabase(sources: ConfigSources, options: BackupOptions): Promise<BackupResult> {
  const { file, passphrase, version } = options
  return withStores(sources, { schema: 'skip', mustExist: true }, (stores, { shown, parsed }) =>
    inScratch(async (folder) => {
      const copy = join(folder, 'copy.db')
      if (isFile(parsed)) await copySqlite(parsed.file, copy)
      const rows = await onCopy(copy, (place) => (isFile(parsed) ? forgetPassing(place) : copyOut(stores, place)))
      const header = { created_at: new Date().toISOString(), version, database: parsed.kind }
      const packed = packFile(createReadStream(copy), file, { kind: 'backup', header, passphrase })
      const written = await packed.catch((error: unknown) => {
        throw new PackedFileError(
          'BACKUP_UNWRITABLE',
          `the backup cannot be written to ${file} (${reasonOf(error)})`,
          error,
        )
      })
      return { database: shown, file, ...written, encrypted: passphrase !== undefined, rows }
    }),
  )
}

/**
 * Puts a backup in the place of what the database holds: all of it, or nothing. The backup may be of another kind of
 * database and of an older version. Gateways that run take it over within a second.
 * @throws GatewayStartError, PackedFileError
 */
export async function restoreDatabase(sources: ConfigSources, options: RestoreOptions): Promise<RestoreResult> {
  const { file, passphrase, replace = false } = options
  return inScratch(async (folder) => {
    const copy = join(folder, 'copy.db')
    const target = (): WriteStream => createWriteStream(copy, { mode: 0o600 })
    const { created_at } = await unpackFile(file, target, { kind: 'backup', passphrase: async () => passphrase })
    return onCopy(copy, async (place) => {
      await requireSound(place, file)
      return withStores(sources, { schema: 'apply' }, async (stores, { shown }) => {
        if (!replace && !(await isBlank(stores))) throw notEmpty(shown)
        return { database: shown, created_at, rows: await copyIn(place, stores) }
      })
    })
  })
}

interface FoundDatabase {
  readonly url: string
  readonly parsed: DatabaseUrl
  /** Without its password. */
  readonly shown: string
  readonly pool: NonNullable<OpenStoresOptions['pool']>
}

async function databaseOf(sources: ConfigSources): Promise<FoundDatabase> {
  const { settings } = await loadConfig(sources)
  const stateDir = settings.stateDir ?? stateFolder(sources.env ?? process.env)
  const { database: url } = effectiveModes(settings, { stateDir, terminal: false })
  return { url, parsed: parseDatabaseUrl(url), shown: hidePassword(url), pool: poolOptions(settings) }
}

async function withStores<T>(
  sources: ConfigSources,
  options: Pick<OpenStoresOptions, 'schema' | 'mustExist'>,
  work: (stores: Stores & Place, found: FoundDatabase) => Promise<T>,
): Promise<T> {
  const found = await databaseOf(sources)
  const stores = await openStores({ ...options, database: found.url, pool: found.pool })
  try {
    return await work({ ...stores, db: stores.kysely }, found)
  } catch (error) {
    // Nothing was asked of it before, where the schema may be any.
    throw isDatabaseFailure(error) ? unreachable(found.url, error) : error
  } finally {
    await stores.close()
  }
}

async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpp-backup-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function isFile(url: DatabaseUrl): url is Extract<DatabaseUrl, { kind: 'sqlite' }> {
  return url.kind === 'sqlite' && url.file !== ':memory:'
}

/** SQLite's online backup: in one step, so that writers in between do not make it begin again. */
async function copySqlite(file: string, copy: string): Promise<void> {
  const database = new SqliteDatabase(file, { fileMustExist: true })
  try {
    await database.backup(copy, { progress: () => Number.MAX_SAFE_INTEGER })
  } finally {
    database.close()
  }
}

async function onCopy<T>(file: string, work: (place: Place) => Promise<T>): Promise<T> {
  const database = new SqliteDatabase(file)
  // One file: what is packed is this one and no log beside it.
  database.pragma('journal_mode = delete')
  const db = new Kysely<StoreTables>({ dialect: new SqliteDialect({ database }) })
  try {
    return await work({ db, dialect: 'sqlite' })
  } finally {
    await db.destroy()
    database.close()
  }
}

async function requireSound({ db }: Place, file: string): Promise<void> {
  try {
    const { unknown } = await migrationStatus(db)
    if (unknown.length > 0) {
      const message = `the backup ${file} is of a newer version (${unknown.join(', ')}); upgrade this one`
      throw new PackedFileError('BACKUP_NEWER', message)
    }
    await migrate(db, 'sqlite')
  } catch (error) {
    if (error instanceof PackedFileError) throw error
    throw new PackedFileError('BACKUP_INVALID', `the backup ${file} cannot be used (${reasonOf(error)})`, error)
  }
}

function notEmpty(database: string): PackedFileError {
  const message = `the database ${database} is not empty; --replace puts the backup in the place of what it holds`
  return new PackedFileError('BACKUP_TARGET_NOT_EMPTY', message)
}
