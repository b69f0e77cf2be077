import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SQLITE_PRAGMAS } from '@mcp-platform/store-kysely'
import SqliteDatabase from 'better-sqlite3'
import { SqliteDialect } from 'kysely'
import { GatewayStartError, reasonOf, systemCode } from '../errors.js'
import { makeFolder } from '../state/make-folder.js'
import type { OpenedDatabase } from './opened.js'
import { steady } from './steady.js'

/** SQLite itself waits this long and holds the event loop meanwhile; longer waits are ours. */
const BUSY_MS = 100
const OPEN_PATIENCE_MS = 5_000
const PAUSE_MS = 50

/** How {@link openSqlite} opens. */
export interface SqliteOptions {
  /** Refuse a file that is not there. @default false */
  readonly mustExist?: boolean | undefined
}

/**
 * Opens an SQLite file (a new one has mode 0600: it may hold credentials), with the folders above it.
 * @throws GatewayStartError DATABASE_UNREACHABLE
 */
export async function openSqlite(file: string, options: SqliteOptions = {}): Promise<OpenedDatabase> {
  try {
    if (file !== ':memory:' && options.mustExist !== true) await makeFile(file)
    const database = await openPatiently(file)
    return { dialect: dialectOf(database), cut: () => undefined, close: async () => void database.close() }
  } catch (error) {
    throw cannotOpen(file, error)
  }
}

function dialectOf(database: SqliteDatabase.Database) {
  return steady(new SqliteDialect({ database }), {
    // A rollback that failed (disk error) would make every later transaction one within it.
    mend: () => void (database.inTransaction && database.exec('rollback')),
  })
}

/** Makes an empty file for its owner only, unless it is there. */
export async function makeFile(file: string): Promise<void> {
  await makeFolder(dirname(file))
  await (await open(file, 'a', 0o600)).close()
}

/** Another process may hold the file for a moment: while it ends, or turns the write-ahead log on. */
async function openPatiently(file: string): Promise<SqliteDatabase.Database> {
  const begun = performance.now()
  for (;;) {
    const database = new SqliteDatabase(file, { fileMustExist: file !== ':memory:', timeout: BUSY_MS })
    try {
      for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma)
      return database
    } catch (error) {
      database.close()
      const busy = systemCode(error)?.startsWith('SQLITE_BUSY') === true
      if (!busy || performance.now() - begun >= OPEN_PATIENCE_MS) throw error
    }
    await sleep(PAUSE_MS)
  }
}

/** One sentence for a file that cannot be opened. */
export function cannotOpen(file: string, error: unknown): GatewayStartError {
  if (systemCode(error)?.startsWith('SQLITE_BUSY') === true) {
    const message = `the database file ${file} is locked by another process (${reasonOf(error)}); end it, or choose another with --database`
    return new GatewayStartError('DATABASE_UNREACHABLE', message, error)
  }
  const hint = 'three slashes begin an absolute path (sqlite:///var/lib/gateway.db), sqlite:gateway.db is relative'
  const message = `the database file ${file} cannot be opened (${reasonOf(error)}); ${hint}`
  return new GatewayStartError('DATABASE_UNREACHABLE', message, error)
}
