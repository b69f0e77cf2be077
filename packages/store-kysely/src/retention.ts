import type { Transaction } from 'kysely'
import type { DialectName } from './dialects.js'
import { databaseNow } from './leases.js'
import type { StoreTables } from './tables.js'
import { forgetTombstones, lockVersion } from './tombstones.js'

/** How long what is over is kept. */
export interface Retention {
  /** Deletions of the registry; who is further behind loads everything. Milliseconds. @default 24 h */
  readonly tombstonesMs?: number | undefined
  /** Nodes that say nothing any more. Milliseconds. @default 1 h */
  readonly nodesMs?: number | undefined
}

const DEFAULT_TOMBSTONES_MS = 24 * 60 * 60 * 1_000
const DEFAULT_NODES_MS = 60 * 60 * 1_000

/** Deletes what is over, in the database's time. Run it under a lease ({@link LeaseStore.fenced}): one node is enough. */
export async function sweep(
  trx: Transaction<StoreTables>,
  dialect: DialectName,
  retention: Retention = {},
): Promise<void> {
  const { tombstonesMs = DEFAULT_TOMBSTONES_MS, nodesMs = DEFAULT_NODES_MS } = retention
  await lockVersion(trx)
  const now = await databaseNow(trx, dialect)
  await forgetTombstones(trx, new Date(now - tombstonesMs))
  const silentSince = new Date(now - nodesMs).toISOString()
  await trx.deleteFrom('nodes').where('heartbeat_at', '<', silentSince).execute()
}
