import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Availability } from '@mcp-platform/test-kit/databases'
import { type Dialect, Kysely, MssqlDialect, sql } from 'kysely'
import * as tarn from 'tarn'
import * as tedious from 'tedious'
import type { StoreTables } from '../src/index.js'
import { ORACLE_SESSION, OracleDialect, type OraclePool } from '../src/oracle/dialect.js'
import { bed, type TestBed } from './support.js'

/** A server that somebody else runs, on which the suites may make databases of their own and drop them again. */
export interface RemoteServer {
  makeBed(): Promise<TestBed>
  stop(): Promise<void>
}

/** Of the package `oracledb`, which brings no types, what is used here. */
interface OracleDriver {
  readonly OUT_FORMAT_OBJECT: number
  readonly CLOB: unknown
  readonly STRING: unknown
  createPool(options: object): Promise<OraclePool>
}

interface OracleSession {
  execute(sql: string): Promise<unknown>
}

const oracledb: OracleDriver = createRequire(import.meta.url)('oracledb')
const CONNECT_MS = 15_000

/** SQL Server at TEST_MSSQL_URL (`mssql://sa:password@host:1433/master?trustServerCertificate=true`), else why not. */
export async function findMssql(): Promise<Availability<RemoteServer>> {
  const url = process.env['TEST_MSSQL_URL']
  // Nothing that npm or Debian offer can stand in for it, so that CI cannot require it as it does the other servers.
  if (!url) return { reason: 'TEST_MSSQL_URL is not set, and SQL Server can be had from neither npm nor Debian' }
  return { database: { makeBed: () => mssqlBed(url), stop: async () => undefined } }
}

/** Oracle Database at TEST_ORACLE_URL (`oracle://system:password@host:1521/FREEPDB1`), else why not. */
export async function findOracle(): Promise<Availability<RemoteServer>> {
  const url = process.env['TEST_ORACLE_URL']
  if (!url) return { reason: 'TEST_ORACLE_URL is not set, and Oracle Database can be had from neither npm nor Debian' }
  return { database: { makeBed: () => oracleBed(url), stop: async () => undefined } }
}

/** A database of its own, dropped at the end. */
async function mssqlBed(url: string): Promise<TestBed> {
  const name = scratchName()
  await once(mssqlDialect(url), (admin) => sql`create database ${sql.id(name)}`.execute(admin))
  const drop = (): Promise<unknown> =>
    once(mssqlDialect(url), async (admin) => {
      await sql`alter database ${sql.id(name)} set single_user with rollback immediate`.execute(admin)
      await sql`drop database ${sql.id(name)}`.execute(admin)
    })
  return bed('mssql', () => new Kysely<StoreTables>({ dialect: mssqlDialect(url, name) }), drop)
}

/** A user, and thereby a schema, of its own, dropped at the end. */
async function oracleBed(url: string): Promise<TestBed> {
  const name = scratchName().toUpperCase()
  const password = randomBytes(12).toString('hex')
  await once(oracleDialect(url), async (admin) => {
    await sql`create user ${sql.id(name)} identified by ${sql.id(`x${password}`)} quota unlimited on users`.execute(
      admin,
    )
    await sql`grant create session, create table, create sequence, create procedure to ${sql.id(name)}`.execute(admin)
  })
  const mine = new URL(url)
  mine.username = name
  mine.password = `x${password}`
  const drop = (): Promise<unknown> =>
    once(oracleDialect(url), (admin) => sql`drop user ${sql.id(name)} cascade`.execute(admin))
  return bed('oracle', () => new Kysely<StoreTables>({ dialect: oracleDialect(mine.href) }), drop)
}

async function once(dialect: Dialect, work: (admin: Kysely<StoreTables>) => Promise<unknown>): Promise<void> {
  const admin = new Kysely<StoreTables>({ dialect })
  try {
    await work(admin)
  } finally {
    await admin.destroy()
  }
}

function scratchName(): string {
  return `mcpp_test_${randomBytes(6).toString('hex')}`
}

function mssqlDialect(url: string, database?: string): MssqlDialect {
  const { hostname, port, pathname, username, password, searchParams } = new URL(url)
  const config = {
    server: hostname,
    authentication: {
      type: 'default' as const,
      options: { userName: decodeURIComponent(username), password: decodeURIComponent(password) },
    },
    options: {
      port: port === '' ? 1_433 : Number(port),
      database: database ?? decodeURIComponent(pathname.slice(1)),
      encrypt: searchParams.get('encrypt') !== 'false',
      trustServerCertificate: searchParams.get('trustServerCertificate') === 'true',
      connectTimeout: CONNECT_MS,
    },
  }
  return new MssqlDialect({
    tarn: { Pool: tarn.Pool, options: { min: 0, max: 4, createTimeoutMillis: CONNECT_MS } },
    tedious: { ...tedious, connectionFactory: () => new tedious.Connection(config) },
  })
}

function oracleDialect(url: string): OracleDialect {
  const { hostname, port, pathname, username, password } = new URL(url)
  return new OracleDialect({
    pool: () =>
      oracledb.createPool({
        user: decodeURIComponent(username),
        password: decodeURIComponent(password),
        connectString: `(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=${hostname})(PORT=${port === '' ? 1521 : port}))(CONNECT_DATA=(SERVICE_NAME=${pathname.slice(1)})))`,
        poolMin: 0,
        poolMax: 4,
        queueTimeout: CONNECT_MS,
        sessionCallback: (session: OracleSession, _tag: string, done: (error?: unknown) => void) => {
          session.execute(ORACLE_SESSION).then(() => done(), done)
        },
      }),
    outFormat: oracledb.OUT_FORMAT_OBJECT,
    fetchTypeHandler: (column) => (typeOf(column) === oracledb.CLOB ? { type: oracledb.STRING } : undefined),
  })
}

function typeOf(column: unknown): unknown {
  return typeof column === 'object' && column !== null ? Reflect.get(column, 'dbType') : undefined
}
