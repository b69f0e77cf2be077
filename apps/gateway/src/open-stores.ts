import type { AuditChain } from '@mcp-platform/auth'
import type { RegistryStore } from '@mcp-platform/core-registry'
import type { UnitOfWork } from '@mcp-platform/gateway-core'
import type { CircuitStore } from '@mcp-platform/health'
import type { DialectName, RowSigner, Seal, StoreTables } from '@mcp-platform/store-kysely'
import {
  kyselyLeaseStore,
  kyselyNodeStore,
  kyselyUnitOfWork,
  type LeaseStore,
  type NodeStore,
} from '@mcp-platform/store-kysely/gateway'
import { kyselyCircuitStore } from '@mcp-platform/store-kysely/health'
import { kyselyRegistryStore } from '@mcp-platform/store-kysely/registry'
import { Kysely } from 'kysely'
import { bringUp, OnceDone, type SchemaMode } from './database/bring-up.js'
import { DatabaseConnectionError } from './database/deadline.js'
import { openDatabase, unreachable } from './database/dialects.js'
import { isDatabaseFailure } from './database/failure.js'
import type { OpenedDatabase } from './database/opened.js'
import { DEFAULT_POOL, migrationPool, type PoolOptions } from './database/pool-options.js'
import { steady } from './database/steady.js'
import { type DatabaseUrl, parseDatabaseUrl } from './database/url.js'
import { GatewayConfigError, GatewayStartError, reasonOf } from './errors.js'

/** Options of {@link openStores}. */
export interface OpenStoresOptions {
  /** `sqlite:///path.db`, `sqlite::memory:`, `postgresql://…`, `mysql://…`, `mssql://…`, `oracle://…`. */
  readonly database: string
  /** `apply` brings the schema up to date, `require` refuses an old one, `skip` looks at nothing. @default 'apply' */
  readonly schema?: SchemaMode | undefined
  /** Connections and times. @default 10 connections, 2 s for one, 2 s per statement */
  readonly pool?: PoolOptions | undefined
  /** Refuse an SQLite file that is not there. @default false: it is made */
  readonly mustExist?: boolean | undefined
  /**
   * When the database does not answer: `fail`, or `wait`: the stores reject until it does, then it is brought up first.
   * @default 'fail'
   */
  readonly whenDown?: 'fail' | 'wait' | undefined
  /** Encrypts credentials of upstreams at rest. @default they are kept as they are */
  readonly seal?: Seal | undefined
  /** Signs what is registered, and knows it again. @default rows are not signed, and every row is trusted */
  readonly signer?: RowSigner | undefined
  /** Links the audit records of registry changes. @default they are written without a chain */
  readonly chain?: AuditChain | undefined
}

/** The gateway's stores on one database. Close it when done. */
export interface Stores {
  readonly kysely: Kysely<StoreTables>
  readonly dialect: DialectName
  readonly registry: RegistryStore
  /** Writes a change of the registry and one of users and keys as one. */
  readonly unit: UnitOfWork
  readonly circuits: CircuitStore
  readonly nodes: NodeStore
  readonly leases: LeaseStore
  /** The database has answered and has our schema. */
  readonly isUp: () => boolean
  /** What the operator should know of the schema; one sentence. */
  readonly warning: () => string | undefined
  /** From now on the stores have `ms` milliseconds left; then what is under way is rejected, and all that comes. */
  hurry(ms: number): void
  /** Ends in bounded time, also while the database does not answer. */
  close(): Promise<void>
}

/**
 * Opens the database of a gateway.
 * @throws GatewayConfigError for a URL that is none; GatewayStartError DATABASE_UNREACHABLE, DATABASE_DRIVER_MISSING,
 * SCHEMA_OUTDATED, SCHEMA_NEWER
 */
export async function openStores(options: OpenStoresOptions): Promise<Stores> {
  const url = parseDatabaseUrl(options.database)
  const { pool = DEFAULT_POOL, mustExist } = options
  const opened = await openDatabase(url, pool, { mustExist })
  try {
    return await storesOn(opened, url, { ...options, pool })
  } catch (error) {
    await opened.close()
    throw asStartError(options.database, error)
  }
}

async function storesOn(
  opened: OpenedDatabase,
  url: DatabaseUrl,
  options: OpenStoresOptions & { readonly pool: PoolOptions },
): Promise<Stores> {
  const { schema = 'apply', whenDown = 'fail', seal, signer, chain } = options
  const dialect = url.kind
  const raw = new Kysely<StoreTables>({ dialect: opened.dialect })
  const place = { kysely: raw, dialect, migrating: migrating(raw, url, options.pool) }
  let warning: string | undefined
  const up = new OnceDone(async () => {
    warning = await bringUp(place, schema)
  })
  await up.pass().catch((error: unknown) => {
    if (whenDown === 'fail' || !isDatabaseFailure(error)) throw error
  })
  const end = new AbortController()
  const gate = async (): Promise<void> => {
    end.signal.throwIfAborted()
    await up.pass()
  }
  const kysely = new Kysely<StoreTables>({ dialect: steady(opened.dialect, { gate }) })
  return {
    kysely,
    dialect,
    registry: kyselyRegistryStore(kysely, dialect, { seal, signer, chain }),
    unit: kyselyUnitOfWork(kysely, dialect, { seal, signer, chain }),
    circuits: kyselyCircuitStore(kysely, dialect),
    nodes: kyselyNodeStore(kysely, dialect),
    leases: kyselyLeaseStore(kysely, dialect),
    isUp: () => up.done,
    warning: () => warning,
    hurry: (ms) => hurry(ms, end, opened),
    close: async () => {
      await Promise.allSettled([kysely.destroy(), raw.destroy()])
      await opened.close()
    },
  }
}

function hurry(ms: number, end: AbortController, opened: OpenedDatabase): void {
  const cut = (): void => {
    end.abort(new DatabaseConnectionError('the gateway is shutting down'))
    opened.cut()
  }
  setTimeout(cut, ms).unref()
}

/** SQLite has one connection for all; a server gets one of its own whose statements may take long. */
function migrating(raw: Kysely<StoreTables>, url: DatabaseUrl, pool: PoolOptions) {
  return async <T>(work: (db: Kysely<StoreTables>) => Promise<T>): Promise<T> => {
    if (url.kind === 'sqlite') return work(raw)
    const opened = await openDatabase(url, migrationPool(pool))
    const db = new Kysely<StoreTables>({ dialect: opened.dialect })
    try {
      return await work(db)
    } finally {
      await db.destroy()
      await opened.close()
    }
  }
}

function asStartError(url: string, error: unknown): Error {
  if (error instanceof GatewayStartError || error instanceof GatewayConfigError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'STORE_SCHEMA_NEWER' || code === 'STORE_MIGRATION_FAILED' || code === 'STORE_LOCKED') {
    const message = `the database schema cannot be brought up to date: ${reasonOf(error)}`
    return new GatewayStartError('SCHEMA_OUTDATED', message, error)
  }
  return unreachable(url, error)
}
