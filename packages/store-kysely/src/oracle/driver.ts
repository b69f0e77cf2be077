import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult, type TransactionSettings } from 'kysely'
import type { OracleDialectOptions } from './options.js'
import type { OracleClient, OraclePool } from './pool.js'

/** Runs statements on a pool of `oracledb`. */
export class OracleDriver implements Driver {
  readonly #options: OracleDialectOptions
  #pool: OraclePool | undefined

  constructor(options: OracleDialectOptions) {
    this.#options = options
  }

  async init(): Promise<void> {
    const { pool } = this.#options
    this.#pool = typeof pool === 'function' ? await pool() : pool
  }

  async acquireConnection(): Promise<OracleConnection> {
    if (this.#pool === undefined) throw new Error('store-kysely: the Oracle driver is not initialised, or destroyed')
    return new OracleConnection(await this.#pool.getConnection(), this.#options)
  }

  // A transaction begins by itself with the first statement that does not commit.
  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const oracle = own(connection)
    oracle.inTransaction = true
    const { isolationLevel } = settings
    if (isolationLevel === undefined) return
    await oracle.executeQuery(CompiledQuery.raw(`set transaction isolation level ${isolationLevel}`))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).client.commit()
    own(connection).inTransaction = false
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).client.rollback()
    own(connection).inTransaction = false
  }

  // A connection whose transaction could not be ended is not given to the next one.
  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const { client, inTransaction } = own(connection)
    await client.close(inTransaction ? { drop: true } : undefined)
  }

  async destroy(): Promise<void> {
    await this.#pool?.close(0)
    this.#pool = undefined
  }
}

class OracleConnection implements DatabaseConnection {
  readonly client: OracleClient
  inTransaction = false
  readonly #options: OracleDialectOptions

  constructor(client: OracleClient, options: OracleDialectOptions) {
    this.client = client
    this.#options = options
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { outFormat, fetchTypeHandler } = this.#options
    const options = { outFormat, fetchTypeHandler, autoCommit: !this.inTransaction }
    const { rows = [], rowsAffected } = await this.client.execute(sql, parameters, options)
    const answer = { rows: [...rows] as R[] }
    return rowsAffected === undefined ? answer : { ...answer, numAffectedRows: BigInt(rowsAffected) }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('store-kysely: the Oracle dialect does not stream')
  }
}

function own(connection: DatabaseConnection): OracleConnection {
  if (connection instanceof OracleConnection) return connection
  throw new TypeError('store-kysely: a connection of another driver')
}
