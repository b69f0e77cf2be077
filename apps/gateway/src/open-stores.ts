import type { RegistryStore } from '@mcp-platform/core-registry'
import type { CircuitStore } from '@mcp-platform/health'
import type { DialectName, StoreTables } from '@mcp-platform/store-kysely'
import { kyselyCircuitStore } from '@mcp-platform/store-kysely/health'
import { migrate, migrationStatus } from '@mcp-platform/store-kysely/migrations'
import { kyselyRegistryStore } from '@mcp-platform/store-kysely/registry'
import { Kysely } from 'kysely'
import { dialectFor, unreachable } from './database/dialects.js'
import { parseDatabaseUrl } from './database/url.js'
import { GatewayConfigError, GatewayStartError, reasonOf } from './errors.js'

/** Options of {@link openStores}. */
export interface OpenStoresOptions {
  /** `sqlite:///path.db`, `sqlite::memory:`, `postgresql://…`, `mysql://…`. */
  readonly database: string
  /** `apply` brings the schema up to date, `require` refuses an old one, `skip` looks at nothing. @default 'apply' */
  readonly schema?: 'apply' | 'require' | 'skip' | undefined
}

/** The gateway's stores on one database. Close it when done. */
export interface Stores {
  readonly kysely: Kysely<StoreTables>
  readonly dialect: DialectName
  readonly registry: RegistryStore
  readonly circuits: CircuitStore
  close(): Promise<void>
}

/**
 * Opens the database of a gateway.
 * @throws GatewayConfigError for a URL that is none; GatewayStartError DATABASE_UNREACHABLE, DATABASE_DRIVER_MISSING,
 * SCHEMA_OUTDATED
 */
export async function openStores(options: OpenStoresOptions): Promise<Stores> {
  const url = parseDatabaseUrl(options.database)
  const dialect = url.kind
  const kysely = new Kysely<StoreTables>({ dialect: await dialectFor(url) })
  try {
    await bringUp(kysely, dialect, options.schema ?? 'apply')
  } catch (error) {
    await kysely.destroy()
    throw asStartError(options.database, error)
  }
  return {
    kysely,
    dialect,
    registry: kyselyRegistryStore(kysely, dialect),
    circuits: kyselyCircuitStore(kysely, dialect),
    close: () => kysely.destroy(),
  }
}

async function bringUp(
  kysely: Kysely<StoreTables>,
  dialect: DialectName,
  schema: 'apply' | 'require' | 'skip',
): Promise<void> {
  if (schema === 'skip') return
  if (schema === 'apply') await migrate(kysely, dialect)
  else await requireCurrent(kysely)
}

async function requireCurrent(kysely: Kysely<StoreTables>): Promise<void> {
  const { pending } = await migrationStatus(kysely)
  if (pending.length === 0) return
  const message = `the database schema is old (${pending.length} migrations are missing); run "mcpp gateway db migrate", or start without --no-migrate`
  throw new GatewayStartError('SCHEMA_OUTDATED', message)
}

function asStartError(url: string, error: unknown): Error {
  if (error instanceof GatewayStartError || error instanceof GatewayConfigError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'STORE_SCHEMA_NEWER' || code === 'STORE_MIGRATION_FAILED' || code === 'STORE_LOCKED') {
    return new GatewayStartError(
      'SCHEMA_OUTDATED',
      `the database schema cannot be brought up to date: ${reasonOf(error)}`,
      error,
    )
  }
  return unreachable(url, error)
}
