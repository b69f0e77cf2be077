import type { Settings } from '../config/settings.js'

/** How much of a database one node may use, and how long it waits for it. */
export interface PoolOptions {
  /** Connections at most. */
  readonly size: number
  /** Time to get a connection, in milliseconds. */
  readonly acquireMs: number
  /** Time that one statement may take, in milliseconds. */
  readonly statementMs: number
}

// Small and short, so that a slow database cannot pile up requests (DATA.md, "Database down").
export const DEFAULT_POOL: PoolOptions = { size: 10, acquireMs: 2_000, statementMs: 2_000 }

const LEAST_IDLE_MS = 3_000

/**
 * How long a transaction may do nothing before the server takes it back: a node that stands still, or that the network has
 * cut off, must not hold its locks for longer. Ours do nothing for milliseconds.
 */
export function idleInTransactionMs({ statementMs }: PoolOptions): number {
  return Math.max(LEAST_IDLE_MS, 2 * statementMs)
}

/** What the settings say. */
export function poolOptions(settings: Settings): PoolOptions {
  return {
    size: settings.databasePoolSize,
    acquireMs: settings.databaseAcquireTimeout * 1_000,
    statementMs: settings.databaseStatementTimeout * 1_000,
  }
}

// A schema change rewrites tables: it takes as long as it takes, but not for ever.
const MIGRATION_STATEMENT_MS = 600_000

/** For migrating: statements may take long. */
export function migrationPool({ acquireMs }: PoolOptions): PoolOptions {
  return { size: 2, acquireMs, statementMs: MIGRATION_STATEMENT_MS }
}
