import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { UpstreamBadAnswerError, UpstreamSessionLostError, UpstreamStreamTruncatedError } from '../errors.js'
import {
  identityFromInitialize,
  ownNotification,
  ownRequest,
  type RpcAnswer,
  readAnswer,
  VERSION_HEADER_SINCE,
} from '../own-requests.js'
import type {
  ExchangeLimits,
  ExchangeOptions,
  MessageSink,
  ServerIdentity,
  SessionInit,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import { GetStream } from './get-stream.js'
import { addCallerHeaders, sessionIdOf } from './headers.js'
import { type AnswerReader, type CallLimits, HttpCall } from './http-call.js'
import { exchangeOverHttp, type ResumedReader, type SessionHooks } from './http-exchange.js'
import { readReconnecting, readStream, type StreamCallInit } from './resume.js'
import type { SseFeed } from './sse-feed.js'
import { postHeaders, type Wire } from './wire.js'

/** Everything that opens a legacy session over Streamable HTTP. */
export interface OpenHttpSession {
  readonly wire: Wire
  readonly path: string
  readonly init: SessionInit
  /** Authorization context, for events. */
  readonly context: string
  readonly options: ExchangeOptions
}

/** A bound on what nobody waits for: DELETE and `notifications/cancelled`. */
const PARTING_LIMITS = { connectMs: 5_000, firstByteMs: 5_000, idleMs: 5_000 } as const

/** What `initialize` came to: a session, or the error that the server answered. */
export type OpenedHttpSession =
  | { readonly kind: 'opened'; readonly session: HttpSession }
  | { readonly kind: 'refused'; readonly answer: Extract<RpcAnswer, { kind: 'error' }> }

/** Sends `initialize` and `notifications/initialized`. A session that was made but not finished is deleted again. */
export async function openHttpSession(open: OpenHttpSession): Promise<OpenedHttpSession> {
  let sessionId: string | undefined
  const hooks: SessionHooks = {
    hasId: false,
    lost() {},
    cancelled() {},
    resume: () => false,
    onHead: (headers: IncomingHttpHeaders) => {
      sessionId = sessionIdOf(headers)
    },
  }
  const { wire, path, options } = open
  const message = ownRequest('initialize', { ...open.init })
  try {
    const headers = postHeaders(wire)
    const reply = await exchangeOverHttp({ wire, path, headers, message, options, isStream: false, session: hooks })
    const answer = await readAnswer(reply)
    if (answer.kind === 'error') return { kind: 'refused', answer }
    const identity = identityFromInitialize(answer.result, new Date(wire.now()))
    const session = new HttpSession(open, identity, sessionId)
    await session.exchange(ownNotification('notifications/initialized'), options)
    return { kind: 'opened', session }
  } catch (error) {
    if (sessionId !== undefined) await deleteSession(wire, path, ['mcp-session-id', sessionId])
    throw error
  }
}

/**
 * Goes on with a session that another process had opened. What that one still has under way there may be answered yet, so
 * our requests get ids that nobody else can have used: the answer to one must never be taken for another's.
 */
export function resumeHttpSession(
  open: OpenHttpSession,
  identity: ServerIdentity,
  sessionId: string | undefined,
): HttpSession {
  const prefix = randomBytes(9).toString('base64url')
  let lastId = 0
  const mintId = (): Buffer => {
    lastId += 1
    return Buffer.from(`"${prefix}-${lastId}"`)
  }
  return new HttpSession({ ...open, wire: { ...open.wire, mintId } }, identity, sessionId, true)
}

/** One initialised legacy session over Streamable HTTP (2025-03-26 … 2025-11-25). */
export class HttpSession implements UpstreamSession {
  readonly era = 'legacy'
  readonly identity: ServerIdentity
  readonly sessionId: string | undefined
  readonly #wire: Wire
  readonly #path: string
  readonly #context: string
  readonly #limits: ExchangeLimits
  readonly #headers: readonly string[]
  readonly #end = new AbortController()
  readonly #hooks: SessionHooks
  readonly #stream: GetStream
  #closed = false

  constructor(open: OpenHttpSession, identity: ServerIdentity, sessionId: string | undefined, isInherited = false) {
    this.#wire = open.wire
    this.#path = open.path
    this.#context = open.context
    this.#limits = open.options.limits
    this.identity = identity
    this.sessionId = sessionId
    this.#headers = sessionHeaders(identity, sessionId)
    this.#stream = new GetStream({
      // No bound on the first byte: some servers send the head of a quiet stream with its first event only.
      connect: (call) => this.#connectStream(call, { connectMs: this.#limits.connectMs }),
      lose: () => this.#lose(),
      hasId: sessionId !== undefined,
      isInherited,
      maxEventBytes: open.options.limits.maxAnswerBytes,
    })
    this.#hooks = {
      hasId: sessionId !== undefined,
      lost: () => this.#lose(),
      cancelled: (id) => this.#cancelUpstream(id),
      resume: (feed, reader, signal) => this.#resume(feed, reader, signal),
    }
  }

  get ended(): AbortSignal {
    return this.#end.signal
  }

  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    if (this.#end.signal.aborted) throw new UpstreamSessionLostError({ sent: false })
    const headers = [...postHeaders(this.#wire), ...this.#headers]
    addCallerHeaders(headers, message.headers)
    return exchangeOverHttp({
      wire: this.#wire,
      path: this.#path,
      headers,
      message,
      options,
      isStream: false,
      session: this.#hooks,
    })
  }

  async listen(sink: MessageSink, signal: AbortSignal, onOpen?: (missed: boolean) => void): Promise<void> {
    const over = AbortSignal.any([signal, this.#end.signal])
    const stop = new AbortController()
    try {
      await this.#stream.read(sink, AbortSignal.any([over, stop.signal]), onOpen)
    } catch (error) {
      if (!over.aborted) throw error
    } finally {
      stop.abort()
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const wasLost = this.#end.signal.aborted
    this.#end.abort()
    if (this.sessionId !== undefined && !wasLost) await deleteSession(this.#wire, this.#path, this.#headers)
    this.#wire.onEvent?.({ type: 'session_closed', context: this.#context })
  }

  #lose(): void {
    if (this.#end.signal.aborted) return
    this.#end.abort()
    this.#wire.onEvent?.({ type: 'session_lost', context: this.#context, because: 'server_forgot' })
  }

  /** A legacy server goes on working when we hang up; it has to be told. Nobody waits for it. */
  #cancelUpstream(id: Buffer): void {
    if (this.#end.signal.aborted) return
    const message = ownNotification('notifications/cancelled', { requestId: JSON.parse(id.toString()) as unknown })
    const headers = [...postHeaders(this.#wire), ...this.#headers]
    const call = new HttpCall(IGNORING, PARTING_LIMITS)
    call.start(this.#wire.pools.calls, { method: 'POST', path: this.#path, headers, body: message.body })
  }

  #resume(feed: SseFeed, reader: ResumedReader, signal: AbortSignal): boolean {
    if (this.#end.signal.aborted) return false
    const either = AbortSignal.any([signal, this.#end.signal])
    const giveUp = (cause?: unknown): void => reader.fail(new UpstreamStreamTruncatedError({ cause }))
    readReconnecting({
      feed,
      signal: either,
      isEndless: false,
      isDone: () => reader.isOver,
      connect: () =>
        this.#connectStream({ feed, signal: either, onCall: (call) => reader.reading(call) }, this.#limits),
    }).then(() => giveUp(), giveUp)
    return true
  }

  #connectStream(
    call: Pick<StreamCallInit, 'feed' | 'signal' | 'onCall' | 'onOpen'>,
    { connectMs, firstByteMs }: CallLimits,
  ): Promise<void> {
    const { feed } = call
    feed.open()
    const last = feed.lastEventId
    const headers = last === undefined ? this.#headers : [...this.#headers, 'last-event-id', headerSafe(last)]
    return readStream({ ...call, wire: this.#wire, path: this.#path, headers, limits: { connectMs, firstByteMs } })
  }
}

const IGNORING: AnswerReader = { head() {}, data() {}, end() {}, fail() {} }

function sessionHeaders(identity: ServerIdentity, sessionId: string | undefined): readonly string[] {
  const headers: string[] = []
  if (sessionId !== undefined) headers.push('mcp-session-id', sessionId)
  if (identity.protocolVersion >= VERSION_HEADER_SINCE) headers.push('mcp-protocol-version', identity.protocolVersion)
  return headers
}

/** Resolves when the server answered, whatever it said, or when that took too long: a session dies by itself as well. */
function deleteSession(wire: Wire, path: string, headers: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve()
    const call = new HttpCall({ head() {}, data() {}, end: done, fail: done }, PARTING_LIMITS)
    call.start(wire.pools.calls, { method: 'DELETE', path, headers: [...wire.baseHeaders, ...headers], body: null })
  })
}

function headerSafe(id: string): string {
  if (!/^[\x20-\x7e]*$/.test(id)) throw new UpstreamBadAnswerError({ detail: 'an event id that cannot be sent back' })
  return id
}
