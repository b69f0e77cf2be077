import type { DatabaseConnection, Dialect, Driver, QueryResult, TransactionSettings } from 'kysely'

/** What {@link steady} adds to a dialect. */
export interface SteadyOptions {
  /** Awaited before every connection; when it rejects, so does what needed the connection. @default none */
  readonly gate?: (() => Promise<void>) | undefined
  /** Ends what a failed transaction may have left open; called before every connection is given out. @default none */
  readonly mend?: (() => void) | undefined
}

/**
 * The same dialect for bad times: a rollback that fails does not hide why the transaction failed, and nothing is sent
 * before the gate is open.
 */
export function steady(dialect: Dialect, options: SteadyOptions): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => new SteadyDriver(dialect.createDriver(), options),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  }
}

class SteadyDriver implements Driver {
  readonly #driver: Driver
  readonly #options: SteadyOptions

  constructor(driver: Driver, options: SteadyOptions) {
    this.#driver = driver
    this.#options = options
  }

  init(): Promise<void> {
    return this.#driver.init()
  }

  // Kysely forgets to give SQLite's only connection back when this rejects: whoever uses the connection is told instead.
  async acquireConnection(): Promise<DatabaseConnection> {
    try {
      await this.#options.gate?.()
      this.#options.mend?.()
    } catch (error) {
      return new NoConnection(error)
    }
    return this.#driver.acquireConnection()
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    if (connection instanceof NoConnection) throw connection.reason
    await this.#driver.beginTransaction(connection, settings)
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#driver.commitTransaction(connection)
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await this.#driver.rollbackTransaction(connection)
    } catch {
      // The connection is lost, or the database has rolled back itself: Kysely throws what led here, which says why.
    }
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    if (connection instanceof NoConnection) return
    await this.#driver.releaseConnection(connection)
  }

  destroy(): Promise<void> {
    return this.#driver.destroy()
  }
}

class NoConnection implements DatabaseConnection {
  readonly reason: unknown

  constructor(reason: unknown) {
    this.reason = reason
  }

  executeQuery<R>(): Promise<QueryResult<R>> {
    return Promise.reject(this.reason)
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw this.reason
  }
}
