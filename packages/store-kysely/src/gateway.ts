import type { Kysely, Selectable } from 'kysely'
import { type DialectName, traitsOf, upsert } from './dialects.js'
import type { NodesTable, StoreTables } from './tables.js'
import { type Patience, retrying, transact } from './transact.js'

export { type IdempotencyStoreOptions, kyselyIdempotencyStore } from './idempotency.js'
export { kyselyLeaseStore, type Lease, type LeaseStore } from './leases.js'
export { type Retention, sweep } from './retention.js'
export { kyselyUnitOfWork } from './unit-of-work.js'

/** A gateway process that shares the database with others. */
export interface NodeRecord {
  readonly id: string
  readonly startedAt: Date
  /** When it last said that it lives, by the database's clock. */
  readonly heartbeatAt: Date
  /** What the others should know of it: JSON, no secrets. */
  readonly details: Readonly<Record<string, unknown>>
}

/** Who shares the database. All times are the database's, so that the clocks of the nodes need not agree. */
export interface NodeStore {
  /** Says that a node lives; the first time makes it known. */
  heartbeat(node: { readonly id: string; readonly details?: Readonly<Record<string, unknown>> }): Promise<void>
  /** The nodes whose last heartbeat is at most `withinMs` milliseconds old, by id. */
  live(withinMs: number): Promise<readonly NodeRecord[]>
  /** A node goes, or somebody cleans up after it. */
  remove(id: string): Promise<void>
}

/** Keeps the list of nodes in a database whose schema {@link migrate} has made. The Kysely stays yours. */
export function kyselyNodeStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  patience: Omit<Patience, 'signal'> = {},
): NodeStore {
  const { now } = traitsOf(dialect)
  const databaseNow = async (on: Pick<Kysely<StoreTables>, 'selectNoFrom'>): Promise<string> => {
    const row = await on.selectNoFrom(now.as('instant')).executeTakeFirstOrThrow()
    return row.instant
  }
  return {
    heartbeat: ({ id, details = {} }) =>
      transact({ ...patience, db, dialect }, async (trx) => {
        const instant = await databaseNow(trx)
        const known = await trx.selectFrom('nodes').select('started_at').where('id', '=', id).executeTakeFirst()
        const row = {
          id,
          started_at: known?.started_at ?? instant,
          heartbeat_at: instant,
          details: JSON.stringify(details),
        }
        await upsert(trx, dialect, { table: 'nodes', keys: ['id'], rows: [row] })
      }),
    live: (withinMs) =>
      retrying(dialect, patience, async () => {
        const since = Date.parse(await databaseNow(db)) - withinMs
        const rows = await db.selectFrom('nodes').selectAll().orderBy('id').execute()
        return rows.map(toNode).filter((node) => node.heartbeatAt.getTime() >= since)
      }),
    remove: (id) =>
      retrying(dialect, patience, async () => {
        await db.deleteFrom('nodes').where('id', '=', id).execute()
      }),
  }
}

function toNode(row: Selectable<NodesTable>): NodeRecord {
  return {
    id: row.id,
    startedAt: new Date(row.started_at),
    heartbeatAt: new Date(row.heartbeat_at),
    details: JSON.parse(row.details),
  }
}
