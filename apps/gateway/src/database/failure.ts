import { systemCode } from '../errors.js'

// SQLite by name, PostgreSQL by class of SQLSTATE (connection, resources, operator intervention), Node by errno.
const PATTERNS: readonly RegExp[] = [
  /^SQLITE_(BUSY|LOCKED|IOERR|FULL|READONLY|CANTOPEN|CORRUPT|NOTADB)/,
  /^(08|53|57)[0-9A-Z]{3}$/,
  /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH)$/,
  /^(PROTOCOL_CONNECTION_LOST|ER_CON_COUNT_ERROR|STORE_BUSY)$/,
]

/** True for an error that says the database cannot serve now, and not that the request was wrong. */
export function isDatabaseFailure(error: unknown): boolean {
  const code = systemCode(error)
  if (code !== undefined && PATTERNS.some((pattern) => pattern.test(code))) return true
  // pg says this one in words only.
  return error instanceof Error && /^timeout exceeded when trying to connect$/.test(error.message)
}
