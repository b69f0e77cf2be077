import type { StoreTables } from '@mcp-platform/store-kysely'
import type { Lease, LeaseStore } from '@mcp-platform/store-kysely/gateway'
import type { Transaction } from 'kysely'

/** Options of {@link Chore}. */
export interface ChoreOptions {
  readonly name: string
  /** The node that may do it. */
  readonly owner: string
  readonly leases: LeaseStore
  /** How long the lease lasts without being renewed, in milliseconds. */
  readonly ttlMs: number
  /** Time between two runs, in milliseconds. */
  readonly everyMs: number
  /** In a transaction that holds the lease: what a node does that slept too long is taken back. */
  readonly work: (trx: Transaction<StoreTables>) => Promise<void>
  /** What may be done twice without harm, in transactions of its own; each begins only while the lease is held. */
  readonly harmless?: readonly (() => Promise<unknown>)[] | undefined
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: (() => number) | undefined
}

// Our clock began before the database's did, so ours is over first; this much is for a clock that runs fast.
const MARGIN_MS = 2_000

/** What must be done by one node only: it is done by whoever holds its lease, and every node stands ready to take over. */
export class Chore {
  readonly #options: ChoreOptions
  readonly #now: () => number
  #lease: Lease | undefined
  #endsAt = 0
  #doneAt = Number.NEGATIVE_INFINITY

  constructor(options: ChoreOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** True while this node may do it, by its own clock. */
  get isHeld(): boolean {
    return this.#lease !== undefined && this.#now() < this.#endsAt
  }

  /** Takes or renews the lease, and does the work when it is time. Called at every heartbeat. */
  async turn(signal: AbortSignal): Promise<void> {
    const { name, owner, leases, ttlMs, everyMs, work, harmless = [] } = this.#options
    const begun = this.#now()
    this.#lease = await leases.take(name, owner, ttlMs)
    this.#endsAt = begun + ttlMs - MARGIN_MS
    const lease = this.#lease
    if (lease === undefined || signal.aborted || !this.isHeld) return
    if (this.#now() - this.#doneAt < everyMs) return
    await leases.fenced(lease, work)
    for (const next of harmless) if (this.isHeld && !signal.aborted) await next()
    this.#doneAt = this.#now()
  }

  /** Lets another node have it at once. */
  async release(): Promise<void> {
    const lease = this.#lease
    this.#lease = undefined
    if (lease !== undefined) await this.#options.leases.release(lease)
  }
}
