import { UpstreamBadAnswerError, UpstreamClosedError, UpstreamSessionLostError } from '../errors.js'
import type { OnUpstreamEvent } from '../events.js'
import { type ClientInfo, MODERN_VERSION, ownSessionInit } from '../own-requests.js'
import { SessionPool, type SessionPoolOptions } from '../session-pool.js'
import { SingleFlight } from '../single-flight.js'
import type {
  Connection,
  ExchangeOptions,
  KnownSession,
  ServerIdentity,
  SessionInit,
  SessionKey,
  SessionLease,
  Upstream,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import { detectEra, type HttpTransport, type Located } from './era.js'
import { AddressGuard, type AddressPolicy } from './guard.js'
import { addCallerHeaders, addMirrorHeaders, baseHeaders, headerValue } from './headers.js'
import { exchangeOverHttp } from './http-exchange.js'
import { type OpenedHttpSession, openHttpSession, resumeHttpSession } from './http-session.js'
import { HttpPools, type TlsOptions } from './pools.js'
import { type OpenedSseSession, openSseSession } from './sse-session.js'
import { postHeaders, type Wire } from './wire.js'

export interface HttpConnectionOptions {
  /** Endpoint of the server. Without a path, `/mcp` and `/sse` are tried as well. */
  readonly url: string
  /** @default 'auto': Streamable HTTP, then the deprecated HTTP+SSE */
  readonly transport?: HttpTransport | undefined
  /** @default 'auto': finds out */
  readonly protocol?: 'auto' | 'legacy' | 'modern' | undefined
  /** The instance's own headers, sent with every request. Secret. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Who we are, in requests of our own. @default mcp-platform */
  readonly clientInfo?: ClientInfo | undefined
  /** Where connections may go. @default public addresses only */
  readonly guard?: AddressPolicy | undefined
  readonly tls?: TlsOptions | undefined
  /** Sockets for calls; further calls wait, within their connect timer. Integer >= 1. @default 64 */
  readonly maxConnections?: number | undefined
  /** Sockets for streams (GET, `subscriptions/listen`). Integer >= 1. @default 1_024 */
  readonly maxStreams?: number | undefined
  /** Bounds of the pool of initialised legacy sessions. */
  readonly sessions?: Pick<SessionPoolOptions, 'maxPerKey' | 'maxTotal' | 'idleMs'> | undefined
  readonly onEvent?: OnUpstreamEvent | undefined
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** Context of the sessions that the gateway opens for itself: era detection and probes. */
export const OWN_CONTEXT = 'gateway'

const DEFAULT_CLIENT: ClientInfo = { name: 'mcp-platform', version: '0.1.0' }
const DEFAULT_MAX_CONNECTIONS = 64
const DEFAULT_MAX_STREAMS = 1_024

/** Everything towards one server behind a URL. Opens nothing until it is used; close it when the instance goes. */
export class HttpConnection implements Connection {
  readonly modern: Upstream
  readonly #options: HttpConnectionOptions
  readonly #url: URL
  readonly #givenPath: string
  readonly #clientInfo: ClientInfo
  readonly #wire: Wire
  readonly #pools: HttpPools
  readonly #sessions: SessionPool
  readonly #identifying = new SingleFlight<Located>()
  #located: Located | undefined
  #closed = false
  #lastId = 0

  /**
   * @throws UpstreamAddressRefusedError when the guard refuses the URL as it stands; TypeError for a malformed URL or
   * header; RangeError for a bound that is no integer >= 1.
   */
  constructor(options: HttpConnectionOptions) {
    const guard = new AddressGuard(options.guard)
    this.#options = options
    this.#url = new URL(options.url)
    guard.checkUrl(this.#url)
    this.#givenPath = this.#url.pathname + this.#url.search
    this.#clientInfo = options.clientInfo ?? DEFAULT_CLIENT
    this.#pools = new HttpPools({
      origin: this.#url.origin,
      guard,
      tls: options.tls,
      maxConnections: atLeastOne('maxConnections', options.maxConnections ?? DEFAULT_MAX_CONNECTIONS),
      maxStreams: atLeastOne('maxStreams', options.maxStreams ?? DEFAULT_MAX_STREAMS),
      onEvent: options.onEvent,
    })
    this.#wire = this.#newWire()
    this.modern = { era: 'modern', exchange: (message, io) => this.#exchangeModern(this.#path(), message, io) }
    this.#sessions = new SessionPool({
      ...options.sessions,
      open: (key, io) => this.openSession(key.init, key.context, io, true),
      onEvent: options.onEvent,
      now: options.now,
    })
  }

  get identity(): ServerIdentity | undefined {
    return this.#located?.identity
  }

  async identify(options: ExchangeOptions): Promise<ServerIdentity> {
    return (await this.#locate(options)).identity
  }

  forget(): void {
    this.#located = undefined
  }

  /** `pooled` only says so in the event. */
  async openSession(
    init: SessionInit,
    context: string,
    options: ExchangeOptions,
    pooled = false,
  ): Promise<UpstreamSession> {
    const { transport, path } = await this.#locate(options)
    const opened = await this.#openLegacy(transport, path, init, context, options)
    if (opened.kind === 'refused') {
      throw new UpstreamBadAnswerError({ detail: `initialize was refused with ${opened.answer.code}` })
    }
    this.#options.onEvent?.({ type: 'session_opened', context, pooled })
    return opened.session
  }

  async resumeSession(known: KnownSession, context: string, options: ExchangeOptions): Promise<UpstreamSession> {
    const { transport, path, identity } = await this.#locate(options)
    if (transport !== 'http' || identity.era !== 'legacy') throw new UpstreamSessionLostError({ sent: false })
    const { sessionId, protocolVersion } = known
    const init = { ...ownSessionInit(this.#clientInfo), protocolVersion }
    const open = { wire: this.#wire, path, init, context, options }
    this.#options.onEvent?.({ type: 'session_opened', context, pooled: false })
    return resumeHttpSession(open, { ...identity, protocolVersion }, sessionId)
  }

  async leaseSession(key: SessionKey, options: ExchangeOptions): Promise<SessionLease> {
    if (this.#closed) throw new UpstreamClosedError()
    return this.#sessions.lease(key, options)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#sessions.close()
    await this.#pools.destroy()
  }

  #newWire(): Wire {
    const { headers, onEvent, now } = this.#options
    const userAgent = `${this.#clientInfo.name}/${this.#clientInfo.version}`.replace(/[^\x21-\x7e]/g, '_')
    return {
      pools: this.#pools,
      baseHeaders: baseHeaders(headers ?? {}, userAgent),
      mintId: () => this.#mintId(),
      onEvent,
      now: now ?? Date.now,
    }
  }

  #mintId(): Buffer {
    this.#lastId += 1
    return Buffer.from(String(this.#lastId))
  }

  #path(): string {
    return this.#located?.path ?? this.#givenPath
  }

  async #locate(options: ExchangeOptions): Promise<Located> {
    if (this.#closed) throw new UpstreamClosedError()
    if (this.#located !== undefined) return this.#located
    return this.#identifying.run((signal) => this.#detect({ ...options, signal }), options.signal)
  }

  async #detect(options: ExchangeOptions): Promise<Located> {
    const init = ownSessionInit(this.#clientInfo)
    const located = await detectEra({
      url: this.#url,
      transport: this.#options.transport ?? 'auto',
      protocol: this.#options.protocol ?? 'auto',
      clientInfo: this.#clientInfo,
      // Phases belong to the caller's message, not to what finds out where it goes.
      options: { signal: options.signal, limits: options.limits },
      now: this.#wire.now,
      probes: {
        exchangeModern: (path, message, io) => this.#exchangeModern(path, message, io),
        openLegacy: (transport, path, io) => this.#openLegacy(transport, path, init, OWN_CONTEXT, io),
        keep: (session) => this.#sessions.adopt({ context: OWN_CONTEXT, init }, session),
      },
    })
    this.#located = located
    this.#options.onEvent?.({ type: 'era_detected', era: located.identity.era, identity: located.identity })
    return located
  }

  #openLegacy(
    transport: 'http' | 'sse',
    path: string,
    init: SessionInit,
    context: string,
    options: ExchangeOptions,
  ): Promise<OpenedHttpSession | OpenedSseSession> {
    const quiet = { signal: options.signal, limits: options.limits }
    const open = { wire: this.#wire, path, init, context, options: quiet }
    return transport === 'http' ? openHttpSession(open) : openSseSession({ ...open, origin: this.#url.origin })
  }

  #exchangeModern(path: string, message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    if (this.#closed) return Promise.reject(new UpstreamClosedError())
    const headers = postHeaders(this.#wire)
    headers.push('mcp-protocol-version', headerValue(message.envelope.protocolVersion ?? MODERN_VERSION))
    addMirrorHeaders(headers, message.envelope)
    addCallerHeaders(headers, message.headers)
    const isStream = message.envelope.method === 'subscriptions/listen'
    return exchangeOverHttp({ wire: this.#wire, path, headers, message, options, isStream })
  }
}

function atLeastOne(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`upstream: ${name} must be an integer >= 1, got ${value}`)
  return value
}
