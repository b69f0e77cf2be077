import {
  type ClaimOutcome,
  IDEMPOTENCY_KEPT_MS,
  type IdempotencyClaim,
  type IdempotencyRecord,
  type IdempotencyResult,
  type IdempotencyScope,
  type IdempotencyStore,
  MAX_KEPT_RESULT_BYTES,
} from '../idempotency.js'

interface Row {
  readonly fingerprint: string
  readonly owner: string
  readonly claimedUntil: number
  readonly expiresAt: number
  readonly result?: IdempotencyResult | undefined
}

type Owned = Pick<IdempotencyClaim, keyof IdempotencyScope | 'owner'>

/** Remembers keys in memory: for tests, and the plainest implementation of the port. */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #rows = new Map<string, Row>()
  readonly #now: () => number

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  async claim(claim: IdempotencyClaim): Promise<ClaimOutcome> {
    const row = this.#find(claim)
    if (row === undefined) this.#insert(claim)
    if (row === undefined || (row.owner === claim.owner && row.result === undefined)) return { state: 'claimed' }
    return row.fingerprint === claim.fingerprint ? this.#recordOf(row) : { state: 'mismatch' }
  }

  async complete(claim: Owned, json: string): Promise<boolean> {
    const row = this.#owned(claim)
    if (row === undefined) return false
    const kept = Buffer.byteLength(json) <= MAX_KEPT_RESULT_BYTES
    this.#rows.set(nameOf(claim), { ...row, result: kept ? { kept, json } : { kept } })
    return true
  }

  async release(claim: Owned): Promise<boolean> {
    return this.#owned(claim) !== undefined && this.#rows.delete(nameOf(claim))
  }

  async read(scope: IdempotencyScope): Promise<IdempotencyRecord | undefined> {
    const row = this.#find(scope)
    return row && this.#recordOf(row)
  }

  async sweep(limit: number): Promise<number> {
    const over = [...this.#rows].filter(([, row]) => row.expiresAt <= this.#now()).slice(0, limit)
    for (const [name] of over) this.#rows.delete(name)
    return over.length
  }

  #insert({ claimMs, keepMs = IDEMPOTENCY_KEPT_MS, ...claim }: IdempotencyClaim): void {
    const { fingerprint, owner } = claim
    const now = this.#now()
    this.#rows.set(nameOf(claim), { fingerprint, owner, claimedUntil: now + claimMs, expiresAt: now + keepMs })
  }

  #find(scope: IdempotencyScope): Row | undefined {
    const row = this.#rows.get(nameOf(scope))
    return row !== undefined && row.expiresAt > this.#now() ? row : undefined
  }

  #owned(claim: Owned): Row | undefined {
    const row = this.#rows.get(nameOf(claim))
    return row?.owner === claim.owner && row.result === undefined ? row : undefined
  }

  #recordOf({ fingerprint, owner, claimedUntil, result }: Row): IdempotencyRecord {
    if (result !== undefined) return { state: 'done', fingerprint, result }
    if (claimedUntil <= this.#now()) return { state: 'lost', fingerprint, owner }
    return { state: 'in-progress', fingerprint, owner, until: new Date(claimedUntil) }
  }
}

function nameOf({ principal, template, key }: IdempotencyScope): string {
  return JSON.stringify([principal, template, key])
}
