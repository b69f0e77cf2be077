import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type ClientHello, ClientSession, type ClientSessionFacts } from './client-session.js'
import { ClosingLines } from './closing-line.js'
import { SessionNotFoundError } from './protocol-error.js'
import type { Sealer } from './sealer.js'
import { serverMark } from './server-mark.js'

export interface SessionBookOptions {
  readonly sealer: Sealer
  /** Name of this process; sealed into every id, so that another process knows where the session lives. */
  readonly home: string
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Milliseconds since 1970, for the expiry that is sealed into the id. */
  readonly wallNow: () => number
  /** Without a message for this long a session ends, in milliseconds. @default 30 min */
  readonly idleMs?: number | undefined
  /** However busy, a session ends after this, in milliseconds. @default 24 h */
  readonly maxAgeMs?: number | undefined
  /** Sessions of this process. @default 10_000 */
  readonly maxSessions?: number | undefined
  /** Sessions of one principal. @default 1_000 */
  readonly maxPerPrincipal?: number | undefined
  /** How long a client may take to answer a question, in milliseconds. @default 10 min */
  readonly askMs?: number | undefined
  /** How long {@link SessionBook.close} waits for servers to hear that their sessions are over, in milliseconds. @default 10_000 */
  readonly closeMs?: number | undefined
}

/** What a sealed session id carries. */
export interface SealedSession {
  readonly home: string
  readonly localId: string
  readonly principal: string
  readonly expiresAt: number
  readonly template: string | undefined
  readonly instanceId: string | undefined
  readonly upstreamSessionId: string | undefined
  /** The version that was agreed on; undefined for an id that was given out before. */
  readonly protocolVersion?: string | undefined
  /** What the client said in `initialize`, if it is small. */
  readonly hello?: ClientHello | undefined
  /** What its server said of itself, as {@link serverMark} has it. */
  readonly serverMark?: string | undefined
}

/** The process or one principal has as many sessions as it may. */
export class TooManySessionsError extends Error {
  override readonly name = 'TooManySessionsError'
  readonly code = 'BRIDGE_TOO_MANY_SESSIONS'

  constructor(limit: number) {
    super(`${limit} sessions are open already; end one with DELETE or wait for one to expire`)
  }
}

const DEFAULT_IDLE_MS = 30 * 60_000
const DEFAULT_MAX_AGE_MS = 24 * 3_600_000
const DEFAULT_CLOSE_MS = 10_000
/** What a client said in `initialize` is sealed into its id up to this size, in bytes. */
const MAX_HELLO_BYTES = 1_024
/** Longest time between two looks for sessions that are over, in milliseconds. */
const SWEEP_MS = 10_000
/** Ids that were opened lately, so that deciphering is not paid for by every message of a session. */
const MAX_OPENED_IDS = 4_096
/** A session that was not used for this long may make room for a new one of its principal, in milliseconds. */
const ABANDONED_MS = 60_000

/**
 * The legacy sessions of this process, and the sealed ids by which clients name them. A session id is not a
 * credential: every message is authenticated, and the principal must be the one that the session belongs to.
 */
export class SessionBook {
  readonly #options: SessionBookOptions
  readonly #idleMs: number
  readonly #maxAgeMs: number
  readonly #sessions = new Map<string, { session: ClientSession; bornAt: number }>()
  readonly #perPrincipal = new Map<string, number>()
  readonly #opened = new Map<string, SealedSession>()
  readonly #closing = new ClosingLines()
  #sweeper: NodeJS.Timeout | undefined

  constructor(options: SessionBookOptions) {
    this.#options = options
    this.#idleMs = options.idleMs ?? DEFAULT_IDLE_MS
    this.#maxAgeMs = options.maxAgeMs ?? DEFAULT_MAX_AGE_MS
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Sessions that are over here, and whose servers are still to be told. */
  get closing(): number {
    return this.#closing.size
  }

  /** @throws TooManySessionsError */
  create(context: string, template: string | undefined): ClientSession {
    return this.#open({ localId: randomBytes(12).toString('base64url'), context, template })
  }

  /** Goes on with a session whose process is gone, under the id that it had. @throws TooManySessionsError */
  adopt({ localId, template }: SealedSession, context: string): ClientSession {
    const mark = `${randomBytes(6).toString('base64url')}_`
    return this.#sessions.get(localId)?.session ?? this.#open({ localId, context, template, mark })
  }

  /** True if the session lives in this process, whichever it was opened in. */
  holds({ localId }: SealedSession): boolean {
    return this.#sessions.has(localId)
  }

  /** The id that the client gets: readable by nobody but the holders of the key ring. */
  idOf(session: ClientSession): string {
    const facts: SealedSession = {
      home: this.#options.home,
      localId: session.localId,
      principal: hashOf(session.context),
      expiresAt: this.#options.wallNow() + this.#maxAgeMs,
      template: session.template,
      instanceId: session.instanceId,
      upstreamSessionId: session.upstream?.sessionId,
      protocolVersion: session.protocolVersion || undefined,
      hello: smallHelloOf(session),
      serverMark: session.upstream && serverMark(session.upstream.identity),
    }
    return this.#options.sealer.seal('session', facts)
  }

  /**
   * The session behind an id. Unknown, expired, forged, of another template or another principal: all the same.
   * @throws SessionNotFoundError
   */
  require(id: string, context: string, template: string | undefined): ClientSession {
    const sealed = this.read(id)
    const entry = sealed && this.#sessions.get(sealed.localId)
    const mine = entry && entry.session.context === context && entry.session.template === template
    if (!mine || entry.session.ended.aborted) throw new SessionNotFoundError()
    entry.session.lastUsedAt = this.#options.now()
    return entry.session
  }

  /** What an id says, if it is one of ours and has not expired. Does not mean that the session is alive. */
  read(id: string): SealedSession | undefined {
    const facts = this.#opened.get(id) ?? this.#unseal(id)
    if (facts === undefined || facts.expiresAt < this.#options.wallNow()) return undefined
    return facts
  }

  /** True if the id was given to this principal. */
  belongsTo(sealed: SealedSession, context: string): boolean {
    return sealed.principal === hashOf(context)
  }

  /** Ends what is idle or too old; runs by itself every 10 s, or as often as a session may expire. */
  sweep(): void {
    const now = this.#options.now()
    for (const { session, bornAt } of this.#sessions.values()) {
      const idle = !session.busy && now - session.lastUsedAt > this.#idleMs
      if (idle || now - bornAt > this.#maxAgeMs) this.#expire(session)
      else session.tidy()
    }
  }

  /** Ends the sessions of a template that is gone: nobody will ever speak on their streams again. */
  endOf(template: string): void {
    for (const { session } of this.#sessions.values()) if (session.template === template) this.#expire(session)
  }

  /** Ends every session; servers that do not answer in time are left to find out by themselves. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const { session } of this.#sessions.values()) this.#expire(session)
    const { closeMs = DEFAULT_CLOSE_MS } = this.#options
    const done = new AbortController()
    const bound = delay(closeMs, undefined, { signal: done.signal, ref: false })
    await Promise.race([this.#closing.emptied(), bound])
    done.abort()
    await bound.catch(() => undefined)
    this.#closing.abandon()
  }

  // Only ids that are ours are remembered, so what strangers send cannot fill the memory.
  #unseal(id: string): SealedSession | undefined {
    const facts = this.#options.sealer.open('session', id)
    if (!isSealedSession(facts)) return undefined
    if (this.#opened.size >= MAX_OPENED_IDS) this.#opened.clear()
    this.#opened.set(id, facts)
    return facts
  }

  // The place is free at once; the server hears of it when its turn comes.
  #expire(session: ClientSession): void {
    const upstream = session.leave(new SessionNotFoundError())
    if (upstream) this.#closing.add(session.template ?? '', upstream)
  }

  #open(facts: Omit<ClientSessionFacts, 'now' | 'askMs'>): ClientSession {
    const { now, askMs } = this.#options
    const { context, localId } = facts
    const limit = this.#reachedLimit(context)
    if (limit !== undefined && !this.#evictAbandoned(context)) throw new TooManySessionsError(limit)
    const session = new ClientSession({ ...facts, now, askMs })
    this.#sessions.set(localId, { session, bornAt: now() })
    this.#perPrincipal.set(context, (this.#perPrincipal.get(context) ?? 0) + 1)
    session.ended.addEventListener('abort', () => this.#forget(session), { once: true })
    this.#sweeper ??= setInterval(() => this.sweep(), Math.min(SWEEP_MS, this.#idleMs)).unref()
    return session
  }

  #reachedLimit(context: string): number | undefined {
    const { maxSessions = 10_000, maxPerPrincipal = 1_000 } = this.#options
    if (this.#sessions.size >= maxSessions) return maxSessions
    return (this.#perPrincipal.get(context) ?? 0) >= maxPerPrincipal ? maxPerPrincipal : undefined
  }

  #forget(session: ClientSession): void {
    if (!this.#sessions.delete(session.localId)) return
    const left = (this.#perPrincipal.get(session.context) ?? 1) - 1
    if (left === 0) this.#perPrincipal.delete(session.context)
    else this.#perPrincipal.set(session.context, left)
  }

  // Most clients never say that they are done. At the bound the principal's longest unused session has to go, unless it
  // was used a moment ago: then the principal is really that busy.
  #evictAbandoned(context: string): boolean {
    let oldest: ClientSession | undefined
    for (const { session } of this.#sessions.values()) {
      if (session.context !== context || session.busy) continue
      if (!oldest || session.lastUsedAt < oldest.lastUsedAt) oldest = session
    }
    if (!oldest || this.#options.now() - oldest.lastUsedAt < ABANDONED_MS) return false
    void oldest.end(new SessionNotFoundError())
    return true
  }
}

// The id must stay short enough for a header.
function smallHelloOf(session: ClientSession): ClientHello | undefined {
  if (session.template === undefined) return undefined
  return Buffer.byteLength(JSON.stringify(session.hello)) <= MAX_HELLO_BYTES ? session.hello : undefined
}

function hashOf(context: string): string {
  return createHash('sha256').update(context).digest('base64url').slice(0, 22)
}

function isSealedSession(facts: unknown): facts is SealedSession {
  if (typeof facts !== 'object' || facts === null) return false
  const {
    home,
    localId,
    principal,
    expiresAt,
  }: { home?: unknown; localId?: unknown; principal?: unknown; expiresAt?: unknown } = facts
  return (
    typeof home === 'string' &&
    typeof localId === 'string' &&
    typeof principal === 'string' &&
    typeof expiresAt === 'number'
  )
}
