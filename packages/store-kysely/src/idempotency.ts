import { createHash } from 'node:crypto'
import type {
  ClaimOutcome,
  IdempotencyClaim,
  IdempotencyRecord,
  IdempotencyScope,
  IdempotencyStore,
} from '@mcp-platform/gateway-core'
import type { Kysely, Selectable } from 'kysely'
import { type DialectName, firstRows, traitsOf } from './dialects.js'
import { StoreCorruptError, StoreSealedError } from './errors.js'
import { databaseNow } from './leases.js'
import type { Seal } from './seal.js'
import type { IdempotencyKeysTable, StoreTables } from './tables.js'
import { type Patience, retrying } from './transact.js'

/** Options of {@link kyselyIdempotencyStore}. */
export interface IdempotencyStoreOptions extends Omit<Patience, 'signal'> {
  /** Encrypts results. @default none is kept: nothing is written in plain */
  readonly seal?: Seal | undefined
}

const KEPT_MS = 24 * 60 * 60 * 1_000
const MAX_RESULT_BYTES = 256 * 1024
// A key that is over may be taken, released and taken again while we look.
const LOOKS = 10

type Row = Selectable<IdempotencyKeysTable>
type Owned = Pick<IdempotencyClaim, keyof IdempotencyScope | 'owner'>

/** Keeps used idempotency keys, hashed, and results, sealed, in a database whose schema {@link migrate} has made. The Kysely stays yours. */
export function kyselyIdempotencyStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  options: IdempotencyStoreOptions = {},
): IdempotencyStore {
  traitsOf(dialect)
  const keys = new Keys(db, dialect, options.seal)
  const patiently = <T>(work: () => Promise<T>): Promise<T> => retrying(dialect, options, work)
  return {
    claim: (claim) => patiently(() => keys.claim(claim)),
    complete: (claim, json) => patiently(() => keys.complete(claim, json)),
    release: (claim) => patiently(() => keys.release(claim)),
    read: (scope) => patiently(() => keys.read(scope)),
    sweep: (limit) => patiently(() => keys.sweep(limit)),
  }
}

/** Each change is one statement, which the database does once or not at all. */
class Keys {
  readonly #db: Kysely<StoreTables>
  readonly #dialect: DialectName
  readonly #seal: Seal | undefined

  constructor(db: Kysely<StoreTables>, dialect: DialectName, seal: Seal | undefined) {
    this.#db = db
    this.#dialect = dialect
    this.#seal = seal
  }

  async claim(claim: IdempotencyClaim): Promise<ClaimOutcome> {
    const id = idOf(claim)
    for (let look = 1; ; look += 1) {
      const now = await databaseNow(this.#db, this.#dialect)
      const row = await this.#find(id)
      if (row !== undefined && Date.parse(row.expires_at) > now) return this.#outcomeOf(row, claim, now)
      if (row !== undefined) await this.#forget(row)
      const failure = await this.#insert(id, claim, now)
      if (failure === undefined) return { state: 'claimed' }
      // Another one was faster, or the database has a trouble of its own.
      if (look === LOOKS || (await this.#find(id)) === undefined) throw failure.error
    }
  }

  async complete(claim: Owned, json: string): Promise<boolean> {
    const id = idOf(claim)
    const kept = this.#seal !== undefined && Buffer.byteLength(json) <= MAX_RESULT_BYTES
    const { numUpdatedRows } = await this.#db
      .updateTable('idempotency_keys')
      .set({ state: 'done', result: kept ? this.#seal.seal(json, aadOf(id)) : null })
      .where('id', '=', id)
      .where('owner', '=', claim.owner)
      .where('state', '=', 'in-progress')
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  async release(claim: Owned): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('idempotency_keys')
      .where('id', '=', idOf(claim))
      .where('owner', '=', claim.owner)
      .where('state', '=', 'in-progress')
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }

  async read(scope: IdempotencyScope): Promise<IdempotencyRecord | undefined> {
    const row = await this.#find(idOf(scope))
    if (row === undefined) return undefined
    const now = await databaseNow(this.#db, this.#dialect)
    return Date.parse(row.expires_at) > now ? this.#recordOf(row, now) : undefined
  }

  async sweep(limit: number): Promise<number> {
    const now = new Date(await databaseNow(this.#db, this.#dialect)).toISOString()
    const over = this.#db.selectFrom('idempotency_keys').select('id').where('expires_at', '<=', now)
    const ids = (await firstRows(over, this.#dialect, limit).execute()).map(({ id }) => id)
    if (ids.length === 0) return 0
    // One that was taken again meanwhile is not over any more.
    const { numDeletedRows } = await this.#db
      .deleteFrom('idempotency_keys')
      .where('id', 'in', ids)
      .where('expires_at', '<=', now)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  #find(id: string): Promise<Row | undefined> {
    return this.#db.selectFrom('idempotency_keys').selectAll().where('id', '=', id).executeTakeFirst()
  }

  // Only the row that was seen: another one may have taken the key by now.
  async #forget({ id, owner, expires_at }: Row): Promise<void> {
    await this.#db
      .deleteFrom('idempotency_keys')
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('expires_at', '=', expires_at)
      .execute()
  }

  async #insert(id: string, claim: IdempotencyClaim, now: number): Promise<{ readonly error: unknown } | undefined> {
    const { fingerprint, owner, claimMs, keepMs = KEPT_MS } = claim
    const row = {
      id,
      fingerprint,
      owner,
      state: 'in-progress',
      claimed_until: new Date(now + claimMs).toISOString(),
      expires_at: new Date(now + keepMs).toISOString(),
      result: null,
    }
    try {
      await this.#db.insertInto('idempotency_keys').values(row).execute()
      return undefined
    } catch (error) {
      return { error }
    }
  }

  #outcomeOf(row: Row, claim: IdempotencyClaim, now: number): ClaimOutcome {
    if (row.owner === claim.owner && row.state === 'in-progress') return { state: 'claimed' }
    return row.fingerprint === claim.fingerprint ? this.#recordOf(row, now) : { state: 'mismatch' }
  }

  #recordOf(row: Row, now: number): IdempotencyRecord {
    const { fingerprint, owner, state, result } = row
    if (state === 'done') {
      const kept =
        result === null ? ({ kept: false } as const) : ({ kept: true, json: this.#open(row.id, result) } as const)
      return { state, fingerprint, result: kept }
    }
    const until = new Date(row.claimed_until)
    if (state !== 'in-progress') throw new StoreCorruptError(aadOf(row.id), { cause: new RangeError(`state ${state}`) })
    return until.getTime() <= now ? { state: 'lost', fingerprint, owner } : { state, fingerprint, owner, until }
  }

  #open(id: string, sealed: string): string {
    const row = aadOf(id)
    if (this.#seal === undefined) throw new StoreSealedError(row, 'they are sealed and no master key is configured')
    try {
      return this.#seal.open(sealed, row)
    } catch (error) {
      throw new StoreSealedError(row, 'the master key is another one, or the row was changed', { cause: error })
    }
  }
}

/** Keys and principals are texts of any length: what is kept of them tells nothing to who reads the table. */
function idOf({ principal, template, key }: IdempotencyScope): string {
  return createHash('sha256')
    .update(JSON.stringify([principal, template, key]))
    .digest('hex')
}

function aadOf(id: string): string {
  return `idempotency_keys/${id}`
}
