import { hidePassword } from '../config/settings.js'
import { GatewayConfigError } from '../errors.js'

/** A database URL, taken apart as far as the dialects differ. */
export type DatabaseUrl =
  /** `:memory:` or a path. */
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'postgres' | 'mysql'; readonly url: string }

/**
 * Reads a database URL. For SQLite three slashes begin an absolute path (`sqlite:///var/lib/gateway.db`) and
 * `sqlite:gateway.db` is relative; `sqlite::memory:` keeps nothing.
 * @throws GatewayConfigError
 */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  const scheme = url.slice(0, url.indexOf(':'))
  switch (scheme) {
    case 'sqlite':
      return { kind: 'sqlite', file: sqliteFile(url) }
    case 'postgres':
    case 'postgresql':
      return { kind: 'postgres', url: requireUrl(url) }
    case 'mysql':
    case 'mariadb':
      return { kind: 'mysql', url: requireUrl(url).replace(/^mariadb:/, 'mysql:') }
    case 'mssql':
    case 'oracle':
      throw bad(`this version cannot use ${scheme}; use sqlite:, postgresql: or mysql:`)
    default:
      throw bad('must begin with sqlite:, postgresql: or mysql:')
  }
}

function sqliteFile(url: string): string {
  const rest = url.slice('sqlite:'.length)
  const path = decodeURIComponent(rest.replace(/^\/\//, '').replace(/^\/\//, '/'))
  if (path === '' || path === '/') throw bad('names no file; write sqlite:///path/to/gateway.db, or sqlite::memory:')
  return path === '/:memory:' ? ':memory:' : path
}

function requireUrl(url: string): string {
  if (!URL.canParse(url) || new URL(url).host === '')
    throw bad(`${hidePassword(url)} is not a URL like postgresql://user@host/name`)
  return url
}

function bad(message: string): GatewayConfigError {
  return new GatewayConfigError([{ name: 'database', source: 'database', message }])
}
