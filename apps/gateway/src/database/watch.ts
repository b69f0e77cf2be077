import { isDatabaseFailure } from './failure.js'

/** What a {@link DatabaseWatch} tells. */
export type DatabaseEvent =
  | { readonly type: 'database-lost'; readonly error: unknown }
  | { readonly type: 'database-back'; readonly afterMs: number }

/** While the database does not serve, one write in this time finds out whether it does again. */
const TRY_AGAIN_MS = 1_000

/** The database did not serve a moment ago and was not asked again. */
export class DatabaseDownError extends Error {
  override readonly name = 'DatabaseDownError'
  readonly code = 'DATABASE_DOWN'

  constructor(cause: unknown) {
    super('the database does not answer', { cause })
  }
}

/** Options of {@link DatabaseWatch}. */
export interface DatabaseWatchOptions {
  readonly onEvent: (event: DatabaseEvent) => void
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: (() => number) | undefined
}

/**
 * Knows whether the database serves, from what it answered last: reads and writes apart, for one that is read only, full or
 * locked still reads. While it does not, writes are told at once, so that a slow database holds nobody up.
 */
export class DatabaseWatch {
  readonly #onEvent: (event: DatabaseEvent) => void
  readonly #now: () => number
  readonly #failed = { read: false, write: false }
  #cause: unknown
  #lostAt = 0
  #triedAt = Number.NEGATIVE_INFINITY
  #servedAt = Number.NEGATIVE_INFINITY

  constructor(options: DatabaseWatchOptions) {
    this.#onEvent = options.onEvent
    this.#now = options.now ?? (() => performance.now())
  }

  get state(): 'ok' | 'unavailable' {
    return this.#failed.read || this.#failed.write ? 'unavailable' : 'ok'
  }

  read<T>(work: () => Promise<T>): Promise<T> {
    return this.#watch('read', work)
  }

  /** @throws DatabaseDownError without a try, when one has just failed */
  async write<T>(work: () => Promise<T>): Promise<T> {
    if (this.state === 'unavailable' && this.#now() - this.#triedAt < TRY_AGAIN_MS) {
      throw new DatabaseDownError(this.#cause)
    }
    return this.#watch('write', work)
  }

  async #watch<T>(kind: 'read' | 'write', work: () => Promise<T>): Promise<T> {
    const begun = this.#now()
    try {
      const value = await work()
      this.#succeeded(kind)
      return value
    } catch (error) {
      // A database that refuses a change serves.
      if (!isDatabaseFailure(error)) this.#succeeded(kind)
      // What was begun before it served again is old news.
      else if (begun >= this.#servedAt) this.#lost(kind, error)
      throw error
    }
  }

  #lost(kind: 'read' | 'write', error: unknown): void {
    const was = this.state
    this.#failed[kind] = true
    this.#cause = error
    this.#triedAt = this.#now()
    if (was === 'unavailable') return
    this.#lostAt = this.#now()
    this.#onEvent({ type: 'database-lost', error })
  }

  #succeeded(kind: 'read' | 'write'): void {
    if (!this.#failed[kind]) return
    this.#servedAt = this.#now()
    this.#failed[kind] = false
    if (this.state === 'ok') this.#onEvent({ type: 'database-back', afterMs: this.#now() - this.#lostAt })
  }
}
