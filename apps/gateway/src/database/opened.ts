import type { Dialect } from 'kysely'

/** A database that Kysely can be made on. */
export interface OpenedDatabase {
  readonly dialect: Dialect
  /** Ends all connections now; what waits on them is rejected. For a shutdown that cannot wait. */
  cut(): void
  /** Closes what the dialect works on, in bounded time, whether Kysely has used it or not. */
  close(): Promise<void>
}
