import type { ReplyEnvelope, Span } from '../envelope.js'
import {
  UpstreamBadAnswerError,
  UpstreamError,
  UpstreamSessionLostError,
  UpstreamStreamTruncatedError,
  UpstreamTimeoutError,
} from '../errors.js'
import { identityFromInitialize, ownNotification, ownRequest, type RpcAnswer, readAnswer } from '../own-requests.js'
import { type Edit, shiftReply, spliceMany } from '../scan/splice.js'
import { type Timed, wheel } from '../timer-wheel.js'
import type {
  ExchangeLimits,
  ExchangeOptions,
  MessageSink,
  ServerIdentity,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import { AnswerFlow } from './answer-flow.js'
import { addCallerHeaders } from './headers.js'
import type { HttpCall } from './http-call.js'
import { exchangeOverHttp } from './http-exchange.js'
import type { OpenHttpSession } from './http-session.js'
import { readStream } from './resume.js'
import { SseFeed } from './sse-feed.js'
import { postHeaders, type Wire } from './wire.js'

/** What opening came to; `refused` is a JSON-RPC error to `initialize`. */
export type OpenedSseSession =
  | { readonly kind: 'opened'; readonly session: SseSession }
  | { readonly kind: 'refused'; readonly answer: Extract<RpcAnswer, { kind: 'error' }> }

/** Opens the event stream of the deprecated HTTP+SSE transport (2024-11-05), waits for its endpoint, initialises. */
export async function openSseSession(open: OpenHttpSession & { readonly origin: string }): Promise<OpenedSseSession> {
  const channel = new SseChannel(open)
  try {
    await channel.connected
    const answer = await readAnswer(await channel.exchange(ownRequest('initialize', { ...open.init }), open.options))
    if (answer.kind === 'error') {
      channel.close()
      return { kind: 'refused', answer }
    }
    const identity = identityFromInitialize(answer.result, new Date(open.wire.now()))
    await channel.exchange(ownNotification('notifications/initialized'), open.options)
    return { kind: 'opened', session: new SseSession(open, channel, identity) }
  } catch (error) {
    channel.close()
    throw error
  }
}

/** One legacy session over HTTP+SSE: it lives as long as its stream. */
export class SseSession implements UpstreamSession {
  readonly era = 'legacy'
  readonly identity: ServerIdentity
  readonly sessionId = undefined
  readonly #channel: SseChannel
  readonly #open: OpenHttpSession
  #closed = false

  constructor(open: OpenHttpSession, channel: SseChannel, identity: ServerIdentity) {
    this.#open = open
    this.#channel = channel
    this.identity = identity
    const lost = { type: 'session_lost', context: open.context, because: 'stream_lost' } as const
    channel.ended.addEventListener('abort', () => this.#closed || open.wire.onEvent?.(lost), { once: true })
  }

  get ended(): AbortSignal {
    return this.#channel.ended
  }

  exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    return this.#channel.exchange(message, options)
  }

  listen(sink: MessageSink, signal: AbortSignal): Promise<void> {
    return this.#channel.listen(sink, signal)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#channel.close()
    this.#open.wire.onEvent?.({ type: 'session_closed', context: this.#open.context })
  }
}

/** Ids and progress tokens are minted: one stream carries the answers of every exchange. */
class SseChannel {
  readonly connected: Promise<void>
  readonly #wire: Wire
  readonly #open: OpenHttpSession & { readonly origin: string }
  readonly #feed: SseFeed
  readonly #pending = new Map<string, PendingAnswer>()
  readonly #byToken = new Map<string, PendingAnswer>()
  readonly #end = new AbortController()
  #call: HttpCall | undefined
  #endpoint: string | undefined
  #listener: AnswerFlow | undefined
  #onEndpoint: () => void = () => {}
  #onFailure: (error: unknown) => void = () => {}

  constructor(open: OpenHttpSession & { readonly origin: string }) {
    this.#open = open
    this.#wire = open.wire
    this.connected = new Promise((resolve, reject) => {
      this.#onEndpoint = resolve
      this.#onFailure = reject
    })
    this.#feed = new SseFeed({
      maxEventBytes: open.options.limits.maxAnswerBytes,
      onOther: (event, data) => this.#other(event, data),
      message: (json, envelope) => this.#take(json, envelope),
      drained() {},
      failed: (error) => this.#fail(error),
      pause: () => this.#call?.pause(),
      resume: () => this.#call?.resume(),
    })
    this.#read()
  }

  get ended(): AbortSignal {
    return this.#end.signal
  }

  #read(): void {
    const { options, path } = this.#open
    const opening = new AbortController()
    const onAbort = (): void => opening.abort(options.signal.reason)
    options.signal.addEventListener('abort', onAbort, { once: true })
    const detach = (): void => options.signal.removeEventListener('abort', onAbort)
    this.connected.then(detach, detach)
    const limits = { connectMs: options.limits.connectMs, firstByteMs: options.limits.firstByteMs }
    const signal = AbortSignal.any([opening.signal, this.#end.signal])
    readStream({
      wire: this.#wire,
      path,
      headers: [],
      limits,
      feed: this.#feed,
      signal,
      onCall: (call) => {
        this.#call = call
      },
    }).then(
      () => this.#fail(new UpstreamStreamTruncatedError()),
      (error: unknown) => this.#fail(error),
    )
  }

  #other(event: string, data: Buffer): void {
    if (event !== 'endpoint' || this.#endpoint !== undefined) return
    const base = new URL(this.#open.path, this.#open.origin)
    const url = URL.parse(data.toString(), base.href)
    // Another origin could make us send this instance's credentials elsewhere.
    if (url === null || url.origin !== base.origin) {
      this.#fail(new UpstreamBadAnswerError({ detail: 'an endpoint of another origin' }))
      return
    }
    this.#endpoint = url.pathname + url.search
    this.#onEndpoint()
  }

  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    options.signal.throwIfAborted()
    if (this.#end.signal.aborted || this.#endpoint === undefined) throw new UpstreamSessionLostError({ sent: false })
    if (message.envelope.kind !== 'request') return this.#post(message, options)
    const pending = new PendingAnswer(this.#wire.mintId(), message, options, () => this.#cancelled(pending))
    this.#add(pending)
    try {
      // The answer may overtake the end of the POST; then nobody waits for the POST any more.
      this.#post(pending.sent(), options).catch((error: unknown) => pending.fail(error))
      return await pending.reply()
    } finally {
      pending.onOver(() => this.#remove(pending))
    }
  }

  #add(pending: PendingAnswer): void {
    this.#pending.set(pending.key, pending)
    if (pending.token !== undefined) this.#byToken.set(pending.token, pending)
  }

  #remove(pending: PendingAnswer): void {
    this.#pending.delete(pending.key)
    if (pending.token !== undefined) this.#byToken.delete(pending.token)
  }

  #post(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    const headers = postHeaders(this.#wire)
    addCallerHeaders(headers, message.headers)
    // Posted like a notification: the server says 202 here and answers on the stream.
    const posted = { ...message, envelope: { ...message.envelope, kind: 'notification' as const } }
    const path = this.#endpoint ?? this.#open.path
    return exchangeOverHttp({ wire: this.#wire, path, headers, message: posted, options, isStream: false })
  }

  #cancelled(pending: PendingAnswer): void {
    this.#remove(pending)
    if (this.#end.signal.aborted) return
    const requestId: unknown = JSON.parse(pending.key)
    const options = { signal: AbortSignal.timeout(PARTING_MS), limits: PARTING_LIMITS }
    this.#post(ownNotification('notifications/cancelled', { requestId }), options).catch((error: unknown) => {
      if (!(error instanceof UpstreamError)) return
      this.#wire.onEvent?.({ type: 'late_answer_dropped', kind: 'notification' })
    })
  }

  async listen(sink: MessageSink, signal: AbortSignal): Promise<void> {
    const flow = new AnswerFlow({ pause: () => this.#call?.pause(), resume: () => this.#call?.resume(), cancel() {} })
    this.#listener = flow
    const over = AbortSignal.any([signal, this.#end.signal])
    const stop = (): void => {
      flow.accepted()
      flow.fail(STOPPED)
    }
    over.addEventListener('abort', stop, { once: true })
    if (over.aborted) stop()
    try {
      const reply = await flow.reply
      if (reply.kind === 'stream') await reply.pipe(sink)
    } catch (error) {
      if (error !== STOPPED) throw error
    } finally {
      over.removeEventListener('abort', stop)
      if (this.#listener === flow) this.#listener = undefined
    }
  }

  #take(json: Buffer, envelope: ReplyEnvelope): void {
    if (envelope.kind === 'response') {
      this.#answer(json, envelope)
      return
    }
    const owner = this.#ownerOf(json, envelope)
    if (owner !== undefined) owner.message(json, envelope)
    else this.#wire.onEvent?.({ type: 'late_answer_dropped', kind: envelope.kind })
  }

  #answer(json: Buffer, envelope: ReplyEnvelope): void {
    const pending = envelope.id === undefined ? undefined : this.#pending.get(raw(json, envelope.id))
    if (pending === undefined) this.#wire.onEvent?.({ type: 'late_answer_dropped', kind: 'response' })
    else pending.response(json, envelope)
  }

  /**
   * Progress belongs to its token; the rest to the listener. Without one, what a call asks or logs goes to the only
   * call there is; anything else names no call and nobody wants it.
   */
  #ownerOf(json: Buffer, envelope: ReplyEnvelope): PendingAnswer | AnswerFlow | undefined {
    if (envelope.progressToken !== undefined) return this.#byToken.get(raw(json, envelope.progressToken))
    if (this.#listener !== undefined) return this.#listener
    const isOfCall = envelope.kind === 'request' || envelope.method === 'notifications/message'
    return isOfCall && this.#pending.size === 1 ? this.#pending.values().next().value : undefined
  }

  #fail(error: unknown): void {
    if (this.#end.signal.aborted) return
    this.#onFailure(error)
    this.#end.abort()
    const truncated = new UpstreamStreamTruncatedError({ cause: error })
    for (const pending of [...this.#pending.values()]) pending.fail(truncated)
  }

  close(): void {
    this.#fail(new UpstreamStreamTruncatedError())
  }
}

const PARTING_MS = 2_000
const PARTING_LIMITS: ExchangeLimits = { connectMs: 2_000, firstByteMs: 2_000, idleMs: 2_000, maxAnswerBytes: 65_536 }
const STOPPED = Symbol('stopped')

/** One exchange that waits for its answer on the shared stream. */
class PendingAnswer implements Timed {
  dueAt: number = Number.POSITIVE_INFINITY
  tick: number | undefined
  /** The minted id and progress token as raw JSON; the token is the id. */
  readonly key: string
  readonly token: string | undefined
  readonly #id: Buffer
  readonly #message: UpstreamMessage
  readonly #options: ExchangeOptions
  readonly #cancelled: () => void
  readonly #flow: AnswerFlow
  #isOver = false
  #hasBegun = false
  #onOver: (() => void) | undefined

  constructor(id: Buffer, message: UpstreamMessage, options: ExchangeOptions, cancelled: () => void) {
    this.#id = id
    this.key = id.toString()
    this.token = message.envelope.progressToken === undefined ? undefined : this.key
    this.#message = message
    this.#options = options
    this.#cancelled = cancelled
    // The stream belongs to all exchanges: one slow reader must not stop the others, so its messages queue up.
    this.#flow = new AnswerFlow({ pause() {}, resume() {}, cancel: (reason) => this.cancel(reason) })
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  readonly #onAbort = (): void => this.cancel(this.#options.signal.reason)

  reply(): Promise<UpstreamReply> {
    if (this.#options.limits.firstByteMs !== undefined) wheel.arm(this, this.#options.limits.firstByteMs)
    return this.#flow.reply
  }

  /** What goes out: our id, our token. */
  sent(): UpstreamMessage {
    const { body, envelope, headers } = this.#message
    const spans = [envelope.id, envelope.progressToken].filter((span) => span !== undefined)
    return {
      body: spliceMany(
        body,
        spans.map((span) => ({ span, bytes: this.#id })),
      ),
      envelope,
      headers,
    }
  }

  message(json: Buffer, envelope: ReplyEnvelope): void {
    this.#hasBegun = true
    wheel.arm(this, this.#options.limits.idleMs)
    const back = this.#backEdits(envelope.progressToken, this.#message.envelope.progressToken)
    this.#flow.message(back.length === 0 ? json : spliceMany(json, back), shiftReply(envelope, back))
  }

  response(json: Buffer, envelope: ReplyEnvelope): void {
    const back = this.#backEdits(envelope.id, this.#message.envelope.id)
    this.#finish()
    this.#flow.response(spliceMany(json, back), shiftReply(envelope, back), 200)
  }

  #backEdits(found: Span | undefined, own: Span | undefined): readonly Edit[] {
    if (found === undefined || own === undefined) return []
    return [{ span: found, bytes: this.#message.body.subarray(own.start, own.end) }]
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#finish()
    this.#flow.fail(error)
  }

  cancel(reason: unknown): void {
    if (this.#isOver) return
    this.fail(reason)
    this.#cancelled()
  }

  expire(): void {
    const { firstByteMs, idleMs } = this.#options.limits
    const timer = this.#hasBegun ? 'idle' : 'first_byte'
    const afterMs = this.#hasBegun ? idleMs : (firstByteMs ?? 0)
    this.cancel(new UpstreamTimeoutError({ timer, afterMs, sent: true }))
  }

  onOver(act: () => void): void {
    if (this.#isOver) act()
    else this.#onOver = act
  }

  #finish(): void {
    this.#isOver = true
    wheel.disarm(this)
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#onOver?.()
  }
}

function raw(json: Buffer, span: Span): string {
  return json.toString('utf8', span.start, span.end)
}
