import type {
  Connection,
  ExchangeOptions,
  ServerIdentity,
  SessionInit,
  SessionKey,
  SessionLease,
  Upstream,
  UpstreamSession,
} from '../upstream.js'

/** How long lent exchanges may go on after the owner wants to close, in milliseconds. */
const DEFAULT_GRACE_MS = 30_000

export interface SharedConnectionOptions {
  /** Lent exchanges at once; more wait in line, first come first served. Integer >= 1. @default unlimited */
  readonly maxInFlight?: number | undefined
  /** How long `close` waits for lent exchanges, in milliseconds. @default 30_000 */
  readonly graceMs?: number | undefined
}

/**
 * A connection that its owner uses and lends to other processes at the same time. Its cap counts over all borrowers,
 * and closing lets what they have in flight end first.
 */
export class SharedConnection implements Connection {
  readonly modern: Upstream
  readonly probe?: (options: ExchangeOptions) => Promise<ServerIdentity>
  readonly #connection: Connection
  readonly #graceMs: number
  readonly #line: (() => void)[] = []
  #maxInFlight: number
  #inFlight = 0
  #idle: PromiseWithResolvers<void> | undefined

  /** @throws RangeError when `maxInFlight` is no integer >= 1. */
  constructor(connection: Connection, options: SharedConnectionOptions = {}) {
    const { maxInFlight = Number.POSITIVE_INFINITY, graceMs = DEFAULT_GRACE_MS } = options
    this.#connection = connection
    this.#maxInFlight = atLeastOne(maxInFlight)
    this.#graceMs = graceMs
    this.modern = connection.modern
    if (connection.probe !== undefined) this.probe = connection.probe.bind(connection)
  }

  /** Lent exchanges under way. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Changes the cap; a lower one lets those under way end. @throws RangeError */
  set maxInFlight(value: number) {
    this.#maxInFlight = atLeastOne(value)
    this.#admit()
  }

  get identity(): ServerIdentity | undefined {
    return this.#connection.identity
  }

  /**
   * Takes a place among the lent exchanges; what is returned gives it back. At once when one is free, so that
   * exchanges begin in the order in which they were asked for.
   * @throws the signal's reason when it aborts before a place is free
   */
  enter(signal: AbortSignal): (() => void) | Promise<() => void> {
    if (this.#inFlight >= this.#maxInFlight) return this.#wait(signal)
    this.#inFlight += 1
    return this.#place()
  }

  identify(options: ExchangeOptions): Promise<ServerIdentity> {
    return this.#connection.identify(options)
  }

  forget(): void {
    this.#connection.forget()
  }

  openSession(init: SessionInit, context: string, options: ExchangeOptions): Promise<UpstreamSession> {
    return this.#connection.openSession(init, context, options)
  }

  leaseSession(key: SessionKey, options: ExchangeOptions): Promise<SessionLease> {
    return this.#connection.leaseSession(key, options)
  }

  async close(): Promise<void> {
    if (this.#inFlight > 0) await this.#untilIdle()
    await this.#connection.close()
  }

  #place(): () => void {
    let left = false
    return () => {
      if (left) return
      left = true
      this.#leave()
    }
  }

  #wait(signal: AbortSignal): Promise<() => void> {
    const { promise, resolve, reject } = Promise.withResolvers<() => void>()
    const next = (): void => {
      signal.removeEventListener('abort', giveUp)
      resolve(this.#place())
    }
    const giveUp = (): void => {
      this.#line.splice(this.#line.indexOf(next), 1)
      reject(signal.reason)
    }
    if (signal.aborted) return Promise.reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#line.push(next)
    return promise
  }

  #leave(): void {
    this.#inFlight -= 1
    this.#admit()
    if (this.#inFlight === 0) this.#idle?.resolve()
  }

  #admit(): void {
    while (this.#inFlight < this.#maxInFlight) {
      const next = this.#line.shift()
      if (next === undefined) return
      this.#inFlight += 1
      next()
    }
  }

  async #untilIdle(): Promise<void> {
    this.#idle ??= Promise.withResolvers()
    const { promise, resolve } = this.#idle
    const timer = setTimeout(resolve, this.#graceMs).unref()
    await promise
    clearTimeout(timer)
  }
}

function atLeastOne(value: number): number {
  if (value >= 1) return value
  throw new RangeError(`upstream: maxInFlight must be at least 1, got ${value}`)
}
