import { type Kysely, sql, type Transaction } from 'kysely'
import { type Database, type DialectName, traitsOf } from './dialects.js'
import { LeaseLostError } from './errors.js'
import type { StoreTables } from './tables.js'
import { type Patience, transact } from './transact.js'

/** The right to do alone what must be done once. */
export interface Lease {
  readonly name: string
  readonly owner: string
  /** Grows with every change of hands: what an earlier holder still writes is told by it. */
  readonly generation: number
}

/** Who may do what must be done once, decided in the database's time. */
export interface LeaseStore {
  /** Takes a lease that nobody has, or renews one's own, for `ttlMs` from now; undefined while another one has it. */
  take(name: string, owner: string, ttlMs: number): Promise<Lease | undefined>
  /** Gives it back before its time. Nothing happens when it is lost already. */
  release(lease: Lease): Promise<void>
  /**
   * Runs `body` in a transaction in which the lease cannot change hands: a holder that slept too long writes nothing.
   * @throws LeaseLostError
   */
  fenced<T>(lease: Lease, body: (trx: Transaction<StoreTables>) => Promise<T>): Promise<T>
}

const NEVER = '1970-01-01T00:00:00.000Z'

/** Keeps leases in a database whose schema {@link migrate} has made. The Kysely stays yours. */
export function kyselyLeaseStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  patience: Omit<Patience, 'signal'> = {},
): LeaseStore {
  const options = { ...patience, db, dialect }
  return {
    take: async (name, owner, ttlMs) => {
      await makeRow(db, name)
      return transact(options, (trx) => take(trx, dialect, { name, owner, ttlMs }))
    },
    release: (lease) =>
      transact(options, async (trx) => {
        await trx
          .updateTable('leases')
          .set({ expires_at: NEVER })
          .where('name', '=', lease.name)
          .where('owner', '=', lease.owner)
          .where('generation', '=', lease.generation)
          .execute()
      }),
    fenced: (lease, body) =>
      transact(options, async (trx) => {
        await requireLease(trx, dialect, lease)
        return body(trx)
      }),
  }
}

/** The database's clock. */
export async function databaseNow(db: Database, dialect: DialectName): Promise<number> {
  const row = await db.selectNoFrom(traitsOf(dialect).now.as('instant')).executeTakeFirstOrThrow()
  return Date.parse(row.instant)
}

// Several may be the first: all but one find the row made.
async function makeRow(db: Kysely<StoreTables>, name: string): Promise<void> {
  const find = () => db.selectFrom('leases').select('name').where('name', '=', name).executeTakeFirst()
  if ((await find()) !== undefined) return
  try {
    await db.insertInto('leases').values({ name, owner: '-', generation: 0, expires_at: NEVER }).execute()
  } catch (error) {
    if ((await find()) === undefined) throw error
  }
}

async function take(
  trx: Transaction<StoreTables>,
  dialect: DialectName,
  { name, owner, ttlMs }: { name: string; owner: string; ttlMs: number },
): Promise<Lease | undefined> {
  const row = await lockedRow(trx, name)
  const now = await databaseNow(trx, dialect)
  const over = Date.parse(row.expires_at) <= now
  if (!over && row.owner !== owner) return undefined
  const generation = Number(row.generation) + (over ? 1 : 0)
  const expires = new Date(now + ttlMs).toISOString()
  await trx.updateTable('leases').set({ owner, generation, expires_at: expires }).where('name', '=', name).execute()
  return { name, owner, generation }
}

async function requireLease(trx: Transaction<StoreTables>, dialect: DialectName, lease: Lease): Promise<void> {
  const row = await lockedRow(trx, lease.name)
  const holds = row.owner === lease.owner && Number(row.generation) === lease.generation
  if (holds && Date.parse(row.expires_at) > (await databaseNow(trx, dialect))) return
  throw new LeaseLostError(lease.name, lease.generation)
}

/** Reads the row after an update that changes nothing: its lock lasts until the transaction ends, in every database. */
async function lockedRow(trx: Transaction<StoreTables>, name: string) {
  const same = sql<number>`${sql.ref('generation')}`
  await trx.updateTable('leases').set({ generation: same }).where('name', '=', name).execute()
  return trx.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirstOrThrow()
}
