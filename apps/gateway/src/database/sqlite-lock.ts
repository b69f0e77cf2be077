import SqliteDatabase from 'better-sqlite3'
import { GatewayStartError, systemCode } from '../errors.js'
import { cannotOpen, makeFile } from './sqlite.js'

/**
 * Keeps other gateways from an SQLite file: it is for one node. The lock is the operating system's, on a file beside it, so
 * that it goes with the process, however that ends. Tools that open the database for a moment do not take it.
 * @returns what gives it back
 * @throws GatewayStartError DATABASE_IN_USE, DATABASE_UNREACHABLE
 */
export async function lockSqlite(file: string): Promise<() => void> {
  try {
    await makeFile(`${file}.lock`)
    return take(`${file}.lock`)
  } catch (error) {
    throw systemCode(error)?.startsWith('SQLITE_BUSY') === true ? inUse(file, error) : cannotOpen(file, error)
  }
}

function take(path: string): () => void {
  const lock = new SqliteDatabase(path, { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    throw error
  }
  return () => void lock.close()
}

function inUse(file: string, error: unknown): GatewayStartError {
  const message = `another gateway uses the database file ${file}; an SQLite file is for one gateway, several share a PostgreSQL or MySQL (--database)`
  return new GatewayStartError('DATABASE_IN_USE', message, error)
}
