import { ORACLE_SESSION, OracleDialect } from '@mcp-platform/store-kysely/oracle'
import { GatewayConfigError } from '../errors.js'
import { loadDrivers } from './driver-package.js'
import type { OpenedDatabase } from './opened.js'
import type { PoolOptions } from './pool-options.js'
import { steady } from './steady.js'

const DEFAULT_PORT = '1521'

interface Session {
  callTimeout: number
  execute(sql: string): Promise<unknown>
}

/** Oracle Database, in the driver's thin mode: no client libraries. @throws GatewayStartError DATABASE_DRIVER_MISSING */
export async function openOracle(url: string, options: PoolOptions): Promise<OpenedDatabase> {
  const { default: driver } = await loadDrivers('Oracle', ['oracledb'], () => import('oracledb'))
  const dialect = new OracleDialect({
    pool: () => driver.createPool({ ...connectionOf(url), ...poolOf(options) }),
    outFormat: driver.OUT_FORMAT_OBJECT,
    fetchTypeHandler: (column) => (typeOf(column) === driver.CLOB ? { type: driver.STRING } : undefined),
  })
  // Kysely closes the pool, which is made on first use.
  return { dialect: steady(dialect, {}), cut: () => undefined, close: async () => undefined }
}

/** `oracle://user:password@host:1521/service`; `?protocol=tcps` for TLS. @throws GatewayConfigError */
export function connectionOf(url: string) {
  const { hostname, port, pathname, username, password, searchParams } = new URL(url)
  const service = decodeURIComponent(pathname.slice(1))
  const protocol = searchParams.get('protocol') ?? 'tcp'
  // Parentheses and the like would say something else in the driver's own language.
  if (!/^[\w.$#-]+$/.test(service) || !/^tcps?$/.test(protocol)) {
    throw new GatewayConfigError([
      { name: 'database', source: 'database', message: 'is not a URL like oracle://user@host:1521/service' },
    ])
  }
  const address = `(ADDRESS=(PROTOCOL=${protocol})(HOST=${hostname})(PORT=${port === '' ? DEFAULT_PORT : port}))`
  return {
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    connectString: `(DESCRIPTION=${address}(CONNECT_DATA=(SERVICE_NAME=${service})))`,
  }
}

function poolOf({ size, acquireMs, statementMs }: PoolOptions) {
  return {
    poolMin: 0,
    poolMax: size,
    queueTimeout: acquireMs,
    connectTimeout: Math.ceil(acquireMs / 1_000),
    sessionCallback: (session: Session, _tag: string, done: (error?: unknown) => void) => {
      session.callTimeout = statementMs
      session.execute(ORACLE_SESSION).then(() => done(), done)
    },
  }
}

function typeOf(column: unknown): unknown {
  return typeof column === 'object' && column !== null ? Reflect.get(column, 'dbType') : undefined
}
