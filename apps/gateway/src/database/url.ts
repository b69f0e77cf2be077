import { hidePassword } from '../config/settings.js'
import { GatewayConfigError } from '../errors.js'

/** Databases that are reached over the network. */
export type ServerKind = 'postgres' | 'mysql' | 'mssql' | 'oracle'

/** A database URL, taken apart as far as the dialects differ. */
export type DatabaseUrl =
  /** `:memory:` or a path. */
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: ServerKind; readonly url: string }

const KINDS: Readonly<Record<string, ServerKind>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  mssql: 'mssql',
  sqlserver: 'mssql',
  oracle: 'oracle',
}

/**
 * Reads a database URL. For SQLite three slashes begin an absolute path (`sqlite:///var/lib/gateway.db`) and
 * `sqlite:gateway.db` is relative; `sqlite::memory:` keeps nothing. The others are `scheme://user:password@host:port/name`.
 * @throws GatewayConfigError; its message never holds the password
 */
export function parseDatabaseUrl(url: string): DatabaseUrl {
  const scheme = url.slice(0, url.indexOf(':'))
  if (scheme === 'sqlite') return { kind: 'sqlite', file: sqliteFile(url) }
  const kind = Object.hasOwn(KINDS, scheme) ? KINDS[scheme] : undefined
  if (kind === undefined) throw bad('must begin with sqlite:, postgresql:, mysql:, mssql: or oracle:')
  return { kind, url: requireUrl(url).replace(/^mariadb:/, 'mysql:') }
}

/** Names a database without its credentials; the same for all who use it. */
export function databaseName(url: DatabaseUrl): string {
  if (url.kind === 'sqlite') return `sqlite:${url.file}`
  const { host, pathname } = new URL(url.url)
  return `${url.kind}://${host}${pathname}`
}

function sqliteFile(url: string): string {
  const rest = url.slice('sqlite:'.length)
  const path = decodePath(rest.replace(/^\/\//, '').replace(/^\/\//, '/'))
  if (path === '' || path === '/') throw bad('names no file; write sqlite:///path/to/gateway.db, or sqlite::memory:')
  return path === '/:memory:' ? ':memory:' : path
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // A per cent sign that begins no code is one of the name.
    return path
  }
}

function requireUrl(url: string): string {
  if (!URL.canParse(url) || new URL(url).host === '')
    throw bad(`${hidePassword(url)} is not a URL like postgresql://user@host/name`)
  return url
}

function bad(message: string): GatewayConfigError {
  return new GatewayConfigError([{ name: 'database', source: 'database', message }])
}
