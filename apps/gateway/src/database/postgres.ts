import { Socket } from 'node:net'
import {
  type PostgresCursor,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from 'kysely'
import { Pool, type PoolClient } from 'pg'
import { systemCode } from '../errors.js'
import { DatabaseConnectionError, NETWORK_GRACE_MS, within } from './deadline.js'
import type { OpenedDatabase } from './opened.js'
import { idleInTransactionMs, type PoolOptions } from './pool-options.js'
import { steady } from './steady.js'

const CLOSE_MS = 2_000

/** PostgreSQL. Connects on use. */
export function openPostgres(url: string, options: PoolOptions): OpenedDatabase {
  const { size, acquireMs, statementMs } = options
  const sockets = new Set<Socket>()
  const pool = new Pool({
    connectionString: url,
    max: size,
    connectionTimeoutMillis: acquireMs,
    statement_timeout: statementMs,
    // Before the statement's own time is up: a lock that others hold is tried again.
    lock_timeout: Math.ceil(statementMs / 2),
    idle_in_transaction_session_timeout: idleInTransactionMs(options),
    application_name: 'mcp-gateway',
    keepAlive: true,
    stream: () => remembered(new Socket(), sockets),
  })
  // A connection that breaks is reported by its statement, an idle one is replaced; unheard errors would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const dialect = new PostgresDialect({ pool: bounded(pool, statementMs + NETWORK_GRACE_MS) })
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return { dialect: steady(dialect, {}), cut, close: () => closePool(pool, cut) }
}

function remembered(socket: Socket, sockets: Set<Socket>): Socket {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}

/**
 * Kysely's pool whose statements end in time also when the network loses every byte. When one connection is lost in that
 * way, those of before are not trusted either.
 */
function bounded(pool: Pool, statementMs: number): PostgresPool {
  const clients = new WeakMap<PoolClient, BoundedClient>()
  let lostAt = Number.NEGATIVE_INFINITY
  const onLost = (): void => {
    lostAt = performance.now()
  }
  const take = async (): Promise<BoundedClient> => {
    const client = await pool.connect().catch(asConnectionError)
    const known = clients.get(client) ?? new BoundedClient(client, statementMs, onLost)
    clients.set(client, known)
    known.take()
    if (known.since > lostAt) return known
    known.release(true)
    return take()
  }
  return {
    options: pool.options,
    connect: take,
    end: async () => undefined,
  }
}

class BoundedClient implements PostgresPoolClient {
  readonly since = performance.now()
  readonly #client: PoolClient
  readonly #statementMs: number
  readonly #onLost: () => void
  #lost: DatabaseConnectionError | undefined
  #held = false

  constructor(client: PoolClient, statementMs: number, onLost: () => void) {
    this.#client = client
    this.#statementMs = statementMs
    this.#onLost = onLost
  }

  // Not among pg's types. NaN where it is missing: Kysely then asks the server.
  get processID(): number {
    return Number(Reflect.get(this.#client, 'processID'))
  }

  take(): void {
    this.#held = true
  }

  query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  query<R>(
    statement: string | PostgresCursor<R>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    // A cursor has no moment at which its statement is late.
    if (typeof statement !== 'string')
      throw new TypeError('rows are not read by cursor over a connection with a deadline')
    return this.#answer<R>(statement, parameters)
  }

  async #answer<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    if (this.#lost !== undefined) throw this.#lost
    const answer = this.#client.query(sql, [...parameters]).catch(asConnectionError)
    const result = await within(this.#statementMs, answer, { what: 'a statement', onLate: () => this.#lose() })
    return result as PostgresQueryResult<R>
  }

  release(discard: boolean): void {
    if (!this.#held) return
    this.#held = false
    this.#client.release(discard)
  }

  // Ends the connection at once: what waits on it is rejected, and the pool makes another.
  #lose(): void {
    this.#lost = new DatabaseConnectionError('the connection was given up')
    this.#onLost()
    this.release(true)
  }
}

/** Errors of the server have a code, those of the system too; what has none is pg's own word for a lost connection. */
function asConnectionError(error: unknown): never {
  if (systemCode(error) !== undefined || !(error instanceof Error)) throw error
  throw new DatabaseConnectionError(error.message, { cause: error })
}

async function closePool(pool: Pool, cut: () => void): Promise<void> {
  await within(CLOSE_MS, pool.end(), { what: 'closing' }).catch(() => undefined)
  cut()
}
