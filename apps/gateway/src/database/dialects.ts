import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SQLITE_PRAGMAS } from '@mcp-platform/store-kysely'
import SqliteDatabase from 'better-sqlite3'
import { type Dialect, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import { Pool } from 'pg'
import { hidePassword } from '../config/settings.js'
import { GatewayStartError, reasonOf, systemCode } from '../errors.js'
import type { DatabaseUrl } from './url.js'

const POOL_SIZE = 10
const ACQUIRE_MS = 2_000
const STATEMENT_MS = 2_000

/**
 * The Kysely dialect for a database. Drivers other than better-sqlite3 and pg are loaded on use.
 * @throws GatewayStartError DATABASE_UNREACHABLE, DATABASE_DRIVER_MISSING
 */
export function dialectFor(url: DatabaseUrl): Promise<Dialect> {
  switch (url.kind) {
    case 'sqlite':
      return sqlite(url.file)
    case 'postgres':
      return Promise.resolve(postgres(url.url))
    case 'mysql':
      return mysql(url.url)
  }
}

async function sqlite(file: string): Promise<Dialect> {
  try {
    if (file !== ':memory:') await makePrivateFile(file)
    const database = new SqliteDatabase(file)
    for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma)
    return new SqliteDialect({ database })
  } catch (error) {
    const hint = 'three slashes begin an absolute path (sqlite:///var/lib/gateway.db), sqlite:gateway.db is relative'
    throw new GatewayStartError(
      'DATABASE_UNREACHABLE',
      `the database file ${file} cannot be opened (${reasonOf(error)}); ${hint}`,
      error,
    )
  }
}

// It holds credentials of servers. One that is there keeps its mode; SQLite gives its other files the same.
async function makePrivateFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await (await open(file, 'a', 0o600)).close()
}

function postgres(url: string): Dialect {
  const pool = new Pool({
    connectionString: url,
    max: POOL_SIZE,
    connectionTimeoutMillis: ACQUIRE_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'mcp-gateway',
  })
  // An idle connection that breaks is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool })
}

async function mysql(url: string): Promise<Dialect> {
  const driver = await load('mysql2', 'mysql')
  const createPool = driver['createPool']
  if (typeof createPool !== 'function') throw missing('mysql2', 'mysql')
  const pool = createPool({ uri: url, connectionLimit: POOL_SIZE, connectTimeout: ACQUIRE_MS, timezone: 'Z' })
  return new MysqlDialect({ pool })
}

async function load(name: string, kind: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const module: { readonly default?: object } & Readonly<Record<string, unknown>> = await import(name)
    return { ...module.default, ...module }
  } catch (error) {
    if (systemCode(error) === 'ERR_MODULE_NOT_FOUND') throw missing(name, kind, error)
    throw error
  }
}

function missing(name: string, kind: string, cause?: unknown): GatewayStartError {
  return new GatewayStartError(
    'DATABASE_DRIVER_MISSING',
    `${kind} needs the package ${name}; install it with "npm install ${name}"`,
    cause,
  )
}

/** One sentence for a database that does not answer at start. */
export function unreachable(url: string, error: unknown): GatewayStartError {
  const message = `the database ${hidePassword(url)} does not answer (${reasonOf(error)}); start it, or choose another with --database`
  return new GatewayStartError('DATABASE_UNREACHABLE', message, error)
}
