import { Duplex } from 'node:stream'
import { MysqlDialect, type MysqlPool, type MysqlPoolConnection, type MysqlQueryResult } from 'kysely'
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2'
import { DatabaseConnectionError, NETWORK_GRACE_MS, within } from './deadline.js'
import { loadDrivers } from './driver-package.js'
import type { OpenedDatabase } from './opened.js'
import { idleInTransactionMs, type PoolOptions } from './pool-options.js'
import { steady } from './steady.js'

const CLOSE_MS = 2_000

/** MySQL or MariaDB. Connects on use. @throws GatewayStartError DATABASE_DRIVER_MISSING */
export async function openMysql(url: string, options: PoolOptions): Promise<OpenedDatabase> {
  const { size, acquireMs } = options
  const { createPool } = await loadDrivers('MySQL', ['mysql2'], () => import('mysql2'))
  const pool = createPool({ uri: url, connectionLimit: size, connectTimeout: acquireMs, timezone: 'Z' })
  const session = sessionSettings(options)
  const connections = new Set<PoolConnection>()
  pool.on('connection', (connection) => {
    remember(connection, connections)
    connection.on('error', () => undefined)
    connection.query(session, () => undefined)
  })
  const dialect = new MysqlDialect({ pool: new BoundedPool(pool, options) })
  const cut = (): void => {
    for (const connection of connections) endNow(connection)
  }
  return { dialect: steady(dialect, {}), cut, close: () => closePool(pool, cut) }
}

/**
 * Both servers read this: comments with `M!` are MariaDB's, those of version 5.7 are MySQL's (MariaDB skips 5.7 to 9.9).
 * Locks are waited for half as long as a statement may take, so that it is tried again.
 */
function sessionSettings(options: PoolOptions): string {
  const { statementMs } = options
  const seconds = statementMs / 1_000
  const idleSeconds = Math.ceil(idleInTransactionMs(options) / 1_000)
  const lockSeconds = Math.max(1, Math.round(seconds / 2))
  return `set session innodb_lock_wait_timeout = ${lockSeconds}
    /*M!100300 , session max_statement_time = ${seconds}, session idle_transaction_timeout = ${idleSeconds} */
    /*!50708 , session max_execution_time = ${Math.ceil(statementMs)} */`
}

/**
 * Kysely's pool whose connections and statements come in time: mysql2 waits for either without end. When one connection is
 * lost in that way, those of before are not trusted either.
 */
class BoundedPool implements MysqlPool {
  readonly #pool: Pool
  readonly #options: PoolOptions
  readonly #known = new WeakMap<PoolConnection, BoundedConnection>()
  #lostAt = Number.NEGATIVE_INFINITY

  constructor(pool: Pool, options: PoolOptions) {
    this.#pool = pool
    this.#options = options
  }

  getConnection(callback: (error: unknown, connection: MysqlPoolConnection) => void): void {
    this.#take().then(
      (connection) => callback(null, connection),
      (error: unknown) => callback(error, undefined as never),
    )
  }

  end(callback: (error: unknown) => void): void {
    callback(null)
  }

  async #take(): Promise<BoundedConnection> {
    const taken = new Promise<PoolConnection>((resolve, reject) => {
      this.#pool.getConnection((error, connection) => (error === null ? resolve(connection) : reject(error)))
    })
    const onAfter = (connection: PoolConnection): void => connection.release()
    const connection = this.#wrap(
      await within(this.#options.acquireMs, taken, { what: 'getting a connection', onAfter }),
    )
    if (connection.since > this.#lostAt) return connection
    connection.destroy()
    return this.#take()
  }

  #wrap(connection: PoolConnection): BoundedConnection {
    const known = this.#known.get(connection)
    if (known !== undefined) return known
    const statementMs = this.#options.statementMs + NETWORK_GRACE_MS
    const made = new BoundedConnection(connection, statementMs, () => {
      this.#lostAt = performance.now()
    })
    this.#known.set(connection, made)
    return made
  }
}

class BoundedConnection implements MysqlPoolConnection {
  readonly since = performance.now()
  readonly #connection: PoolConnection
  readonly #statementMs: number
  readonly #onLost: () => void
  #lost: DatabaseConnectionError | undefined

  constructor(connection: PoolConnection, statementMs: number, onLost: () => void) {
    this.#connection = connection
    this.#statementMs = statementMs
    this.#onLost = onLost
  }

  get threadId(): number {
    return this.#connection.threadId
  }

  get config(): object {
    return this.#connection.config
  }

  connect(callback?: (error: unknown) => void): void {
    this.#connection.connect(callback)
  }

  query(
    sql: string,
    parameters: readonly unknown[],
    callback: (error: unknown, result: MysqlQueryResult) => void,
  ): { stream: () => never } {
    this.#answer(sql, parameters).then(
      (result) => callback(null, result),
      (error: unknown) => callback(error, []),
    )
    return { stream: noStream }
  }

  async #answer(sql: string, parameters: readonly unknown[]): Promise<MysqlQueryResult> {
    if (this.#lost !== undefined) throw this.#lost
    const answer = new Promise<MysqlQueryResult>((resolve, reject) => {
      this.#connection.query<ResultSetHeader | RowDataPacket[]>(sql, [...parameters], (error, result) =>
        error === null ? resolve(result) : reject(error),
      )
    })
    const onLate = (): void => {
      this.#onLost()
      this.destroy()
    }
    return within(this.#statementMs, answer, { what: 'a statement', onLate })
  }

  release(): void {
    if (this.#lost === undefined) this.#connection.release()
  }

  destroy(): void {
    this.#lost = new DatabaseConnectionError('the connection was given up')
    endNow(this.#connection)
  }
}

// A stream of rows has no moment at which its statement is late.
function noStream(): never {
  throw new TypeError('rows are not streamed over a connection with a deadline')
}

async function closePool(pool: Pool, cut: () => void): Promise<void> {
  const ended = new Promise<void>((resolve) => pool.end(() => resolve()))
  await within(CLOSE_MS, ended, { what: 'closing' }).catch(() => undefined)
  cut()
}

function remember(connection: PoolConnection, connections: Set<PoolConnection>): void {
  connections.add(connection)
  streamOf(connection)?.once('close', () => connections.delete(connection))
}

/** mysql2's own `destroy` says goodbye, and then waits for the server's for as long as that takes. */
function endNow(connection: PoolConnection): void {
  connection.destroy()
  streamOf(connection)?.destroy()
}

function streamOf(connection: PoolConnection): Duplex | undefined {
  const stream: unknown = Reflect.get(connection, 'stream')
  return stream instanceof Duplex ? stream : undefined
}
