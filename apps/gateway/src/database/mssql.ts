import { MssqlDialect } from 'kysely'
import { loadDrivers } from './driver-package.js'
import type { OpenedDatabase } from './opened.js'
import type { PoolOptions } from './pool-options.js'
import { steady } from './steady.js'

const DEFAULT_PORT = 1_433
const CANCEL_MS = 1_000

/** SQL Server. Connects on use. @throws GatewayStartError DATABASE_DRIVER_MISSING */
export async function openMssql(url: string, options: PoolOptions): Promise<OpenedDatabase> {
  const packages = ['tedious', 'tarn']
  const load = () => Promise.all([import('tedious'), import('tarn')])
  const [{ Connection, ISOLATION_LEVEL, Request, TYPES }, { Pool }] = await loadDrivers('SQL Server', packages, load)
  const { size, acquireMs } = options
  const dialect = new MssqlDialect({
    tarn: {
      Pool,
      options: { min: 0, max: size, acquireTimeoutMillis: acquireMs, createTimeoutMillis: acquireMs },
    },
    tedious: { ISOLATION_LEVEL, Request, TYPES, connectionFactory: () => new Connection(configOf(url, options)) },
  })
  // Kysely closes the pool, which it has made itself.
  return { dialect: steady(dialect, {}), cut: () => undefined, close: async () => undefined }
}

/** `mssql://user:password@host:1433/name?encrypt=true&trustServerCertificate=false` */
export function configOf(url: string, { acquireMs, statementMs }: PoolOptions) {
  const { hostname, port, pathname, username, password, searchParams } = new URL(url)
  return {
    server: hostname,
    authentication: {
      type: 'default' as const,
      options: { userName: decodeURIComponent(username), password: decodeURIComponent(password) },
    },
    options: {
      port: port === '' ? DEFAULT_PORT : Number(port),
      database: decodeURIComponent(pathname.slice(1)),
      encrypt: searchParams.get('encrypt') !== 'false',
      trustServerCertificate: searchParams.get('trustServerCertificate') === 'true',
      connectTimeout: acquireMs,
      requestTimeout: statementMs,
      cancelTimeout: CANCEL_MS,
      appName: 'mcp-gateway',
      // Numbers of 64 bits as text, as elsewhere.
      useUTC: true,
    },
  }
}
