import type { ReplyEnvelope, Span } from '../envelope.js'
import {
  UpstreamBadAnswerError,
  UpstreamError,
  UpstreamSessionLostError,
  UpstreamStreamTruncatedError,
} from '../errors.js'
import { ownNotification } from '../own-requests.js'
import type { ExchangeLimits, ExchangeOptions, MessageSink, UpstreamMessage, UpstreamReply } from '../upstream.js'
import { AnswerFlow } from './answer-flow.js'
import { Backlog, BacklogShare } from './backlog.js'
import { addCallerHeaders } from './headers.js'
import type { HttpCall } from './http-call.js'
import { exchangeOverHttp } from './http-exchange.js'
import { readStream } from './resume.js'
import { SseFeed } from './sse-feed.js'
import { PendingAnswer } from './sse-pending.js'
import { postHeaders, type Wire } from './wire.js'

/** How a channel is opened. */
export interface OpenChannel {
  readonly wire: Wire
  readonly origin: string
  readonly path: string
  readonly options: ExchangeOptions
}

const PARTING_MS = 2_000
const PARTING_LIMITS: ExchangeLimits = { connectMs: 2_000, firstByteMs: 2_000, idleMs: 2_000, maxAnswerBytes: 65_536 }
const STOPPED = Symbol('stopped')

/**
 * The event stream of the deprecated HTTP+SSE transport and the endpoint that belongs to it.
 * Ids and progress tokens are minted: one stream carries the answers of every exchange.
 */
export class SseChannel {
  readonly connected: Promise<void>
  readonly #wire: Wire
  readonly #open: OpenChannel
  readonly #feed: SseFeed
  readonly #pending = new Map<string, PendingAnswer>()
  readonly #byToken = new Map<string, PendingAnswer>()
  readonly #end = new AbortController()
  readonly #backlog = new Backlog({ pause: () => this.#pause('readers'), resume: () => this.#resume('readers') })
  /** Who wants the stream to wait. */
  readonly #paused = new Set<'scanner' | 'readers'>()
  #call: HttpCall | undefined
  #endpoint: string | undefined
  #listener: Listener | undefined
  #onEndpoint: () => void = () => {}
  #onFailure: (error: unknown) => void = () => {}

  constructor(open: OpenChannel) {
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
      pause: () => this.#pause('scanner'),
      resume: () => this.#resume('scanner'),
    })
    this.#read()
  }

  get ended(): AbortSignal {
    return this.#end.signal
  }

  #pause(who: 'scanner' | 'readers'): void {
    this.#paused.add(who)
    this.#call?.pause()
  }

  #resume(who: 'scanner' | 'readers'): void {
    this.#paused.delete(who)
    if (this.#paused.size === 0) this.#call?.resume()
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
    const pending = new PendingAnswer({
      id: this.#wire.mintId(),
      message,
      options,
      backlog: this.#backlog,
      cancelled: () => this.#cancelled(pending),
    })
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
    const flow = new AnswerFlow({ pause() {}, resume() {}, cancel() {} })
    const held = new BacklogShare(this.#backlog)
    const listener: Listener = {
      message(json, envelope) {
        held.put(json.length)
        flow.message(json, envelope)
      },
    }
    this.#listener = listener
    const over = AbortSignal.any([signal, this.#end.signal])
    const stop = (): void => {
      flow.accepted()
      flow.fail(STOPPED)
    }
    over.addEventListener('abort', stop, { once: true })
    if (over.aborted) stop()
    try {
      const reply = await flow.reply
      if (reply.kind === 'stream') await reply.pipe(counted(sink, held))
    } catch (error) {
      if (error !== STOPPED) throw error
    } finally {
      over.removeEventListener('abort', stop)
      held.drop()
      if (this.#listener === listener) this.#listener = undefined
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
  #ownerOf(json: Buffer, envelope: ReplyEnvelope): PendingAnswer | Listener | undefined {
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

/** Takes what belongs to no exchange. */
type Listener = Pick<AnswerFlow, 'message'>

function counted(sink: MessageSink, held: BacklogShare): MessageSink {
  return {
    message(json, envelope) {
      held.taken(json.length)
      return sink.message(json, envelope)
    },
  }
}

function raw(json: Buffer, span: Span): string {
  return json.toString('utf8', span.start, span.end)
}
