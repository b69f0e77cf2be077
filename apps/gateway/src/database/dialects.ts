import { hidePassword } from '../config/settings.js'
import { GatewayStartError, reasonOf } from '../errors.js'
import { openMssql } from './mssql.js'
import { openMysql } from './mysql.js'
import type { OpenedDatabase } from './opened.js'
import { openOracle } from './oracle.js'
import type { PoolOptions } from './pool-options.js'
import { openPostgres } from './postgres.js'
import { openSqlite, type SqliteOptions } from './sqlite.js'
import type { DatabaseUrl } from './url.js'

/**
 * Opens a database for Kysely. Drivers other than better-sqlite3 and pg are loaded on use; servers are connected on use.
 * @throws GatewayStartError DATABASE_UNREACHABLE (SQLite), DATABASE_DRIVER_MISSING
 */
export async function openDatabase(
  url: DatabaseUrl,
  pool: PoolOptions,
  options: SqliteOptions = {},
): Promise<OpenedDatabase> {
  switch (url.kind) {
    case 'sqlite':
      return openSqlite(url.file, options)
    case 'postgres':
      return openPostgres(url.url, pool)
    case 'mysql':
      return openMysql(url.url, pool)
    case 'mssql':
      return openMssql(url.url, pool)
    case 'oracle':
      return openOracle(url.url, pool)
  }
}

/** One sentence for a database that does not answer. */
export function unreachable(url: string, error: unknown): GatewayStartError {
  const message = `the database ${hidePassword(url)} does not answer (${reasonOf(error)}); start it, or choose another with --database`
  return new GatewayStartError('DATABASE_UNREACHABLE', message, error)
}
