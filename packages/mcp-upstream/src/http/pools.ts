import { buildConnector, Pool } from 'undici'
import { UpstreamAddressRefusedError } from '../errors.js'
import type { OnUpstreamEvent } from '../events.js'
import type { AddressGuard } from './guard.js'

/** Client certificate and own authority, PEM. */
export interface TlsOptions {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface HttpPoolsOptions {
  readonly origin: string
  readonly guard: AddressGuard
  readonly tls?: TlsOptions | undefined
  readonly maxConnections: number
  readonly maxStreams: number
  readonly onEvent?: OnUpstreamEvent | undefined
}

// Idle sockets are closed before the server closes them (Node servers: 5 s), so that no request is written into a
// closing one: at 4 s, or 2 s before the time that the server announced.
const KEEP_ALIVE_MS = 4_000
const KEEP_ALIVE_MARGIN_MS = 2_000
// A bound on undici's own attempt; each exchange has a shorter one of its own.
const CONNECT_MS = 10_000

/**
 * The sockets towards one origin. Streams have a pool of their own: with 5,000 of them in the pool of the calls,
 * undici walks past them for every call (measured: 7,700 instead of 20,000 requests per second).
 */
export class HttpPools {
  readonly #options: HttpPoolsOptions
  readonly #connect: buildConnector.connector
  #calls: Pool | undefined
  #streams: Pool | undefined

  constructor(options: HttpPoolsOptions) {
    this.#options = options
    this.#connect = guardedConnector(options)
  }

  get calls(): Pool {
    this.#calls ??= this.#open(this.#options.maxConnections)
    return this.#calls
  }

  get streams(): Pool {
    this.#streams ??= this.#open(this.#options.maxStreams)
    return this.#streams
  }

  /** Breaks what is still running. */
  async destroy(): Promise<void> {
    await Promise.all([this.#calls?.destroy(), this.#streams?.destroy()])
  }

  #open(connections: number): Pool {
    const pool = new Pool(this.#options.origin, {
      connections,
      connect: this.#connect,
      pipelining: 1,
      // No HTTP/2 until the sent-boundary is proven there (SECURITY.md, Traffic).
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      // Our wheel bounds both, with finer resolution.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    pool.on('connect', () => this.#options.onEvent?.({ type: 'connection_opened' }))
    pool.on('disconnect', () => this.#options.onEvent?.({ type: 'connection_closed' }))
    return pool
  }
}

function guardedConnector(options: HttpPoolsOptions): buildConnector.connector {
  const { guard, tls } = options
  const connect = buildConnector({
    allowH2: false,
    timeout: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    lookup: guard.lookup,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  })
  return (target, callback) => {
    const done: buildConnector.Callback = (error: Error | null, socket) => {
      if (error instanceof UpstreamAddressRefusedError) {
        options.onEvent?.({ type: 'address_refused', address: error.address, reason: error.reason })
      }
      if (error !== null) callback(error, null)
      else if (socket !== null) callback(null, socket)
    }
    try {
      // A literal address is never looked up, so it is checked here.
      guard.checkHost(target.hostname.replace(/^\[|\]$/g, ''))
    } catch (error) {
      done(error instanceof Error ? error : new Error('guard', { cause: error }), null)
      return
    }
    connect(target, done)
  }
}
