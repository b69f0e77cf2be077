import type { Dialect } from 'kysely'

/** A database that Kysely can be made on. */
export interface OpenedDatabase {
  readonly dialect: Dialect
  /** Closes what the dialect works on, in bounded time, whether Kysely has used it or not. */
  close(): Promise<void>
}
