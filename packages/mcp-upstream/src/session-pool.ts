import { UpstreamBusyError, UpstreamSessionLostError } from './errors.js'
import type { OnUpstreamEvent } from './events.js'
import type {
  ExchangeOptions,
  MessageSink,
  ServerIdentity,
  SessionKey,
  SessionLease,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from './upstream.js'

export interface SessionPoolOptions {
  /** Opens an initialised session. */
  open(key: SessionKey, options: ExchangeOptions): Promise<UpstreamSession>
  /** Sessions of one key, idle and leased. Integer >= 1. @default 64, an instance's own cap of calls in flight */
  readonly maxPerKey?: number | undefined
  /** Sessions of all keys. Integer >= 1. @default 256 */
  readonly maxTotal?: number | undefined
  /** An idle session is closed after this time, in milliseconds. @default 300_000 */
  readonly idleMs?: number | undefined
  readonly onEvent?: OnUpstreamEvent | undefined
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined
}

const DEFAULTS = { maxPerKey: 64, maxTotal: 256, idleMs: 300_000 } as const

interface Bucket {
  /** Last used last, so that the others grow old. */
  readonly idle: { readonly session: UpstreamSession; readonly since: number }[]
  held: number
}

/**
 * Initialised sessions for callers that have none of their own: one exchange at a time on each.
 * Sessions of different keys (authorization context, exact capabilities) are never shared.
 */
export class SessionPool {
  readonly #options: SessionPoolOptions
  readonly #maxPerKey: number
  readonly #maxTotal: number
  readonly #idleMs: number
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()
  #total = 0
  #sweeper: NodeJS.Timeout | undefined
  #closed = false

  /** @throws RangeError for a bound that is no integer >= 1. */
  constructor(options: SessionPoolOptions) {
    this.#options = options
    this.#maxPerKey = atLeastOne('maxPerKey', options.maxPerKey ?? DEFAULTS.maxPerKey)
    this.#maxTotal = atLeastOne('maxTotal', options.maxTotal ?? DEFAULTS.maxTotal)
    this.#idleMs = atLeastOne('idleMs', options.idleMs ?? DEFAULTS.idleMs)
    this.#now = options.now ?? Date.now
  }

  /** @throws UpstreamBusyError when the key or the pool is full; whatever opening a session throws. */
  async lease(key: SessionKey, options: ExchangeOptions): Promise<SessionLease> {
    const name = nameOf(key)
    const session = this.#takeIdle(name) ?? (await this.#openOne(name, key, options))
    return this.#leaseOf(name, key, session)
  }

  /** Takes a session that was opened elsewhere, as idle. */
  adopt(key: SessionKey, session: UpstreamSession): void {
    const bucket = this.#bucket(nameOf(key))
    bucket.held += 1
    this.#total += 1
    this.#putBack(nameOf(key), session)
  }

  /** Closes the idle sessions; leased ones are closed as they come back. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#sweeper)
    this.#sweeper = undefined
    const idle = [...this.#buckets.keys()].flatMap((name) => this.#dropIdle(name, () => true))
    await Promise.all(idle.map((session) => session.close()))
  }

  #bucket(name: string): Bucket {
    const known = this.#buckets.get(name)
    if (known !== undefined) return known
    const fresh: Bucket = { idle: [], held: 0 }
    this.#buckets.set(name, fresh)
    return fresh
  }

  #takeIdle(name: string): UpstreamSession | undefined {
    const idle = this.#buckets.get(name)?.idle ?? []
    for (let entry = idle.pop(); entry !== undefined; entry = idle.pop()) {
      if (!entry.session.ended.aborted) return entry.session
      this.#forgetOne(name)
    }
    return undefined
  }

  async #openOne(name: string, key: SessionKey, options: ExchangeOptions): Promise<UpstreamSession> {
    this.#makeRoom(name)
    const bucket = this.#bucket(name)
    bucket.held += 1
    this.#total += 1
    try {
      return await this.#options.open(key, options)
    } catch (error) {
      this.#forgetOne(name)
      throw error
    }
  }

  #makeRoom(name: string): void {
    const held = this.#buckets.get(name)?.held ?? 0
    if (held >= this.#maxPerKey) throw new UpstreamBusyError({ bound: 'sessions_per_key', limit: this.#maxPerKey })
    if (this.#total < this.#maxTotal) return
    const oldest = this.#oldestIdle()
    if (oldest === undefined) throw new UpstreamBusyError({ bound: 'sessions', limit: this.#maxTotal })
    for (const session of this.#dropIdle(oldest.name, (since) => since === oldest.since, 1)) closeQuietly(session)
  }

  #oldestIdle(): { readonly name: string; readonly since: number } | undefined {
    let oldest: { readonly name: string; readonly since: number } | undefined
    for (const [name, { idle }] of this.#buckets) {
      const since = idle[0]?.since
      if (since !== undefined && (oldest === undefined || since < oldest.since)) oldest = { name, since }
    }
    return oldest
  }

  /** Takes idle sessions out for closing, oldest first. */
  #dropIdle(name: string, isOld: (since: number) => boolean, most = Number.POSITIVE_INFINITY): UpstreamSession[] {
    const idle = this.#buckets.get(name)?.idle ?? []
    const dropped: UpstreamSession[] = []
    while (dropped.length < most && idle[0] !== undefined && isOld(idle[0].since)) {
      dropped.push(idle[0].session)
      idle.shift()
      this.#forgetOne(name)
    }
    return dropped
  }

  #forgetOne(name: string): void {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) return
    bucket.held -= 1
    this.#total -= 1
    if (bucket.held === 0) this.#buckets.delete(name)
  }

  #leaseOf(name: string, key: SessionKey, session: UpstreamSession): SessionLease {
    const leased = new LeasedSession(session, (lost, options) => this.#reopen(key, lost, options))
    let isReleased = false
    return {
      session: leased,
      release: () => {
        if (isReleased) return
        isReleased = true
        this.#putBack(name, leased.current)
      },
    }
  }

  async #reopen(key: SessionKey, lost: UpstreamSession, options: ExchangeOptions): Promise<UpstreamSession> {
    await lost.close()
    const session = await this.#options.open(key, options)
    this.#options.onEvent?.({ type: 'session_reinitialised', context: key.context })
    return session
  }

  #putBack(name: string, session: UpstreamSession): void {
    if (this.#closed || session.ended.aborted) {
      this.#forgetOne(name)
      closeQuietly(session)
      return
    }
    this.#bucket(name).idle.push({ session, since: this.#now() })
    this.#sweepLater()
  }

  #sweepLater(): void {
    if (this.#sweeper !== undefined || this.#closed) return
    this.#sweeper = setTimeout(() => this.#sweep(), this.#idleMs)
    this.#sweeper.unref()
  }

  #sweep(): void {
    this.#sweeper = undefined
    const horizon = this.#now() - this.#idleMs
    let isIdleLeft = false
    for (const name of [...this.#buckets.keys()]) {
      for (const session of this.#dropIdle(name, (since) => since <= horizon)) closeQuietly(session)
      isIdleLeft ||= (this.#buckets.get(name)?.idle.length ?? 0) > 0
    }
    if (isIdleLeft) this.#sweepLater()
  }
}

type Reopen = (lost: UpstreamSession, options: ExchangeOptions) => Promise<UpstreamSession>

/**
 * A pooled session as its leaseholder sees it. When the server has lost it, nothing was executed:
 * it is opened once more and the request sent again, `tools/call` too.
 */
class LeasedSession implements UpstreamSession {
  readonly era = 'legacy'
  current: UpstreamSession
  readonly #reopen: Reopen

  constructor(session: UpstreamSession, reopen: Reopen) {
    this.current = session
    this.#reopen = reopen
  }

  get identity(): ServerIdentity {
    return this.current.identity
  }

  get sessionId(): string | undefined {
    return this.current.sessionId
  }

  get ended(): AbortSignal {
    return this.current.ended
  }

  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    try {
      return await this.current.exchange(message, options)
    } catch (error) {
      // An answer to the server's own request means nothing to a new session.
      if (!(error instanceof UpstreamSessionLostError) || message.envelope.kind === 'response') throw error
      await this.#replace(error, options)
      return this.current.exchange(message, options)
    }
  }

  async #replace(lost: UpstreamSessionLostError, options: ExchangeOptions): Promise<void> {
    try {
      this.current = await this.#reopen(this.current, options)
    } catch (cause) {
      options.signal.throwIfAborted()
      // What opening failed with says nothing about the message, which was certainly not executed.
      throw new UpstreamSessionLostError({ status: lost.status, cause })
    }
  }

  listen(sink: MessageSink, signal: AbortSignal, onOpen?: (missed: boolean) => void): Promise<void> {
    return this.current.listen(sink, signal, onOpen)
  }

  close(): Promise<void> {
    return this.current.close()
  }
}

/** Same principal and same init, member order aside. */
function nameOf(key: SessionKey): string {
  return `${key.context}\n${JSON.stringify(sorted(key.init))}`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]))
}

/** Closing never throws and is bounded, so nobody has to wait for it. */
function closeQuietly(session: UpstreamSession): void {
  void session.close()
}

function atLeastOne(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`upstream: ${name} must be an integer >= 1, got ${value}`)
  return value
}
