import { systemCode } from '../errors.js'

const PATTERNS: readonly RegExp[] = [
  /^SQLITE_(BUSY|LOCKED|IOERR|FULL|READONLY|CANTOPEN|CORRUPT|NOTADB)/,
  // PostgreSQL by class of SQLSTATE: connection, resources, operator intervention; locked, read only.
  /^(08|53|57)[0-9A-Z]{3}$|^(55P03|25006)$/,
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOSPC|EIO|EROFS)$/,
  /^PROTOCOL_|^ER_(CON_COUNT_ERROR|SERVER_SHUTDOWN|QUERY_TIMEOUT|STATEMENT_TIMEOUT|QUERY_INTERRUPTED|CONNECTION_KILLED)$/,
  /^ER_(LOCK_WAIT_TIMEOUT|LOCK_DEADLOCK|OPTION_PREVENTS_STATEMENT|READ_ONLY_MODE|CANT_EXECUTE_IN_READ_ONLY_TRANSACTION|DISK_FULL|RECORD_FILE_FULL)$/,
  // tedious
  /^(ESOCKET|ETIMEOUT|ECONNCLOSED|ECANCEL|ELOGIN_TIMEOUT)$/,
  // Oracle: the driver's pool and network; starting, stopping, connection lost, listener, read only, no space.
  /^NJS-(003|040|076|123|5\d\d)$|^ORA-(01033|01034|01089|01653|01654|03113|03114|03135|03136|12\d{3}|16000)$/,
  /^(DATABASE_CONNECTION|DATABASE_DOWN|STORE_BUSY|STORE_LOCKED|STORE_OUTCOME_UNKNOWN|SCHEMA_OUTDATED|SCHEMA_NEWER)$/,
]

/** MariaDB's own numbers (`errno`) that mysql2 has no name for, and SQL Server's (`number`): time over, killed, read only, full. */
const ERRNOS: ReadonlySet<unknown> = new Set([1969, 1927, 4031])
// Not among the others: -2 is also the `errno` of a file that is not there.
const NUMBERS: ReadonlySet<unknown> = new Set([3906, 3908, 9002, 1222, -2])

/** True for an error that says the database cannot serve now, and not that the request was wrong. */
export function isDatabaseFailure(error: unknown): boolean {
  // Kysely gives all addresses' errors of one attempt to reach SQL Server.
  if (Array.isArray(error)) return error.some(isDatabaseFailure)
  const code = systemCode(error)
  if (code !== undefined && PATTERNS.some((pattern) => pattern.test(code))) return true
  if (typeof error !== 'object' || error === null) return false
  if (ERRNOS.has(Reflect.get(error, 'errno')) || NUMBERS.has(Reflect.get(error, 'number'))) return true
  // tarn has no code for a pool that gave no connection in time.
  return error instanceof Error && error.constructor.name === 'TimeoutError' && code === undefined
}
