import type { Kysely, Transaction, TransactionBuilder } from 'kysely'
import { type DialectName, isTransient, traitsOf } from './dialects.js'
import { OutcomeUnknownError, StoreBusyError } from './errors.js'
import type { StoreTables } from './tables.js'

// Long enough for another process's transaction, short enough for a caller who waits for an answer.
const DEFAULT_PATIENCE_MS = 5_000
const MIN_PAUSE_MS = 5
const MAX_PAUSE_MS = 100

/** How long to try again when the database is locked by others. */
export interface Patience {
  /** Milliseconds, >= 0. @default 5_000 */
  readonly patienceMs?: number | undefined
  /** Spreads the attempts; 0 <= x < 1. @default Math.random */
  readonly random?: (() => number) | undefined
  /** Gives up at once. */
  readonly signal?: AbortSignal | undefined
}

/** What {@link transact} works on. */
export interface TransactOptions extends Patience {
  readonly db: Kysely<StoreTables>
  readonly dialect: DialectName
  /** All reads see one moment. @default false */
  readonly snapshot?: boolean | undefined
}

/**
 * Runs `body` in a transaction; when the database was locked by others, deadlocked or could not serialise, runs it again
 * without holding the event loop. `body` must therefore have no effects besides its statements.
 * @throws StoreBusyError when that goes on for longer than `patienceMs`; OutcomeUnknownError when the connection was lost
 * during the commit
 */
export function transact<T>(options: TransactOptions, body: (trx: Transaction<StoreTables>) => Promise<T>): Promise<T> {
  const { db, dialect } = options
  const level = options.snapshot === true ? traitsOf(dialect).snapshot : undefined
  const transaction = level === undefined ? db.transaction() : db.transaction().setIsolationLevel(level)
  return retrying(dialect, options, () => attempt(dialect, transaction, body))
}

async function attempt<T>(
  dialect: DialectName,
  transaction: TransactionBuilder<StoreTables>,
  body: (trx: Transaction<StoreTables>) => Promise<T>,
): Promise<T> {
  let committing = false
  try {
    return await transaction.execute(async (trx) => {
      const result = await body(trx)
      committing = true
      return result
    })
  } catch (error) {
    // A file is here: what SQLite does not commit is not committed.
    if (!committing || dialect === 'sqlite' || isTransient(dialect, error)) throw error
    throw new OutcomeUnknownError({ cause: error })
  }
}

/**
 * Runs `work` again while it fails because the database is locked by others.
 * @throws StoreBusyError when that goes on for longer than `patienceMs`
 */
export async function retrying<T>(dialect: DialectName, patience: Patience, work: () => Promise<T>): Promise<T> {
  const { patienceMs = DEFAULT_PATIENCE_MS, random = Math.random, signal } = patience
  const begun = performance.now()
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (!isTransient(dialect, error)) throw error
      const waited = performance.now() - begun
      if (waited >= patienceMs) throw new StoreBusyError(waited, { cause: error })
    }
    await pause(MIN_PAUSE_MS + random() * Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** attempt), signal)
  }
}

/** Waits; rejects with the signal's reason when it aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
