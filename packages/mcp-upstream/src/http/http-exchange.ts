import type { IncomingHttpHeaders } from 'node:http'
import type { ReplyEnvelope } from '../envelope.js'
import {
  UpstreamAnswerTooLargeError,
  UpstreamBadAnswerError,
  UpstreamHttpStatusError,
  UpstreamResetError,
  UpstreamSessionLostError,
  UpstreamStreamTruncatedError,
  UpstreamUnauthorizedError,
} from '../errors.js'
import { scanReply } from '../scan/scan-reply.js'
import { replaceSpan, shiftReply, withId } from '../scan/splice.js'
import type { ExchangeOptions, UpstreamMessage, UpstreamReply } from '../upstream.js'
import { AnswerFlow, type AnswerSource } from './answer-flow.js'
import { codeOf, errorEnvelope } from './error-body.js'
import { contentLength, isEncoded, mediaType, retryAfterMs } from './headers.js'
import { type AnswerReader, HttpCall } from './http-call.js'
import { JsonBody } from './json-body.js'
import { badAnswer } from './message-inbox.js'
import { SseFeed } from './sse-feed.js'
import type { Wire } from './wire.js'

/** What a legacy session adds to an exchange. */
export interface SessionHooks {
  /** The server does not know the session any more. */
  lost(): void
  /** The caller gave up a request that was sent: a disconnect does not cancel it. `id` is the raw minted id. */
  cancelled(id: Buffer): void
  /** Goes on reading a stream that the server closed before the response, if it can be resumed. */
  resume(feed: SseFeed, reader: ResumedReader, signal: AbortSignal): boolean
  /** The first answer to `initialize` carries the session id. */
  onHead?: ((headers: IncomingHttpHeaders) => void) | undefined
  /** A session id went out with the request, so 404 means that it is lost. */
  readonly hasId: boolean
}

/** Takes what comes of a resumed stream. */
export interface ResumedReader {
  /** The call that reads now, for back pressure. */
  reading(call: HttpCall): void
  /** The response has come, or nobody wants it any more. */
  readonly isOver: boolean
  fail(error: unknown): void
}

/** One POST. */
export interface HttpExchangeInit {
  readonly wire: Wire
  readonly path: string
  readonly headers: string[]
  readonly message: UpstreamMessage
  readonly options: ExchangeOptions
  /** Expected to be a long stream: uses the pool of the streams. */
  readonly isStream: boolean
  readonly session?: SessionHooks | undefined
}

/** Bodies of error statuses are read this far to find a JSON-RPC error in them. */
const MAX_ERROR_BYTES = 64 * 1024

/** Sends one message by POST and makes its answer a reply. Rejects with an UpstreamError, or the signal's reason. */
export function exchangeOverHttp(init: HttpExchangeInit): Promise<UpstreamReply> {
  const { signal } = init.options
  return signal.aborted ? Promise.reject(signal.reason) : new HttpExchange(init).start()
}

const ONCE = { once: true } as const

type Mode = 'none' | 'accepted' | 'json' | 'events' | 'error'

class HttpExchange implements AnswerReader, AnswerSource, ResumedReader {
  readonly #init: HttpExchangeInit
  readonly #id: Buffer
  readonly #flow: AnswerFlow
  #call: HttpCall
  #mode: Mode = 'none'
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #body: JsonBody | undefined
  #feed: SseFeed | undefined
  #over = false

  constructor(init: HttpExchangeInit) {
    this.#init = init
    this.#id = init.wire.mintId()
    this.#flow = new AnswerFlow(this)
    const { limits } = init.options
    this.#call = new HttpCall(this, limits, init.options)
  }

  start(): Promise<UpstreamReply> {
    const { wire, path, headers, message, options } = this.#init
    const isRequest = message.envelope.kind === 'request'
    const body = isRequest ? withId(message.body, message.envelope, this.#id) : message.body
    options.signal.addEventListener('abort', this.#onAbort, ONCE)
    const pool = this.#init.isStream ? wire.pools.streams : wire.pools.calls
    this.#call.start(pool, { method: 'POST', path, headers, body })
    return this.#flow.reply
  }

  readonly #onAbort = (): void => this.cancel(this.#init.options.signal.reason)

  cancel(reason: unknown): void {
    if (this.#over) return
    const isSent = this.#call.phase !== 'connecting'
    this.#finish()
    this.#flow.fail(reason)
    this.#call.abort(reason)
    if (isSent && this.#init.message.envelope.kind === 'request') this.#init.session?.cancelled(this.#id)
  }

  pause(): void {
    this.#call.pause()
  }

  resume(): void {
    this.#call.resume()
  }

  get isOver(): boolean {
    return this.#over
  }

  reading(call: HttpCall): void {
    this.#call = call
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
    this.#init.session?.onHead?.(headers)
    this.#mode = this.#modeOf(status, headers)
    if (this.#mode === 'accepted') this.#accept()
    if (this.#mode === 'json') this.#expectJson(headers)
    if (this.#mode === 'events') this.#expectEvents()
    if (this.#mode === 'error') this.#expectError(status, headers)
  }

  #modeOf(status: number, headers: IncomingHttpHeaders): Mode {
    if (status >= 300) return 'error'
    if (this.#init.message.envelope.kind !== 'request') return 'accepted'
    if (isEncoded(headers)) throw new UpstreamBadAnswerError({ detail: 'compressed body', status })
    const type = mediaType(headers)
    if (type === 'application/json') return 'json'
    if (type === 'text/event-stream') return 'events'
    throw new UpstreamBadAnswerError({ detail: 'neither JSON nor an event stream', status })
  }

  #accept(): void {
    this.#finish()
    this.#flow.accepted()
    this.#call.letGo()
  }

  #expectJson(headers: IncomingHttpHeaders): void {
    const { maxAnswerBytes } = this.#init.options.limits
    if ((contentLength(headers) ?? 0) > maxAnswerBytes)
      throw new UpstreamAnswerTooLargeError({ maxBytes: maxAnswerBytes })
    this.#body = new JsonBody(maxAnswerBytes)
  }

  #expectEvents(): void {
    this.#feed = new SseFeed({
      maxEventBytes: this.#init.options.limits.maxAnswerBytes,
      message: (json, envelope) => this.#message(json, envelope),
      drained: () => this.#streamEnded(),
      failed: (error) => this.#breakOff(error),
      pause: () => this.pause(),
      resume: () => this.resume(),
    })
  }

  /** What an error status means is in its body, unless the status says it all. */
  #expectError(status: number, headers: IncomingHttpHeaders): void {
    if (status === 401 || status === 403) this.#refuse(new UpstreamUnauthorizedError({ status }))
    else if (status === 404 && this.#init.session?.hasId === true) this.#loseSession()
    else if (this.#mayExplain(status, headers)) this.#body = new JsonBody(MAX_ERROR_BYTES)
    else this.#refuse(this.#statusError())
  }

  #mayExplain(status: number, headers: IncomingHttpHeaders): boolean {
    if (status < 400 || status >= 500 || status === 408 || status === 429) return false
    const isSmall = (contentLength(headers) ?? 0) <= MAX_ERROR_BYTES
    return isSmall && !isEncoded(headers) && mediaType(headers) === 'application/json'
  }

  data(chunk: Buffer): void {
    if (this.#mode === 'error') this.#errorData(chunk)
    else if (this.#feed !== undefined) this.#feed.push(chunk)
    else this.#body?.push(chunk)
  }

  #errorData(chunk: Buffer): void {
    try {
      this.#body?.push(chunk)
    } catch {
      // Too large, or no JSON: then the status is all there is to say.
      this.#refuse(this.#statusError())
    }
  }

  end(): void {
    if (this.#over) return
    if (this.#feed !== undefined) this.#feed.end()
    else if (this.#mode === 'error') this.#endError()
    else this.#endJson()
  }

  #endJson(): void {
    const body = this.#body ?? new JsonBody(0)
    let envelope: ReplyEnvelope
    try {
      envelope = body.envelope()
    } catch (error) {
      this.fail(badAnswer(error, this.#status))
      return
    }
    if (envelope.kind !== 'response' || !this.#isOurs(body, envelope)) {
      this.fail(new UpstreamBadAnswerError({ detail: 'the answer to another request', status: this.#status }))
      return
    }
    this.#answer(body, envelope)
  }

  #isOurs(body: JsonBody, envelope: ReplyEnvelope): boolean {
    return envelope.id !== undefined && body.holds(envelope.id, this.#id)
  }

  #answer(body: JsonBody, envelope: ReplyEnvelope): void {
    const edit = this.#idEdit(envelope)
    this.#finish()
    this.#flow.response(body.spliced(edit.span, edit.bytes), shiftReply(envelope, [edit]), this.#status)
  }

  #idEdit(envelope: ReplyEnvelope): { span: { start: number; end: number }; bytes: Buffer } {
    return { span: envelope.id ?? { start: 0, end: 0 }, bytes: this.#callerId() }
  }

  #callerId(): Buffer {
    const { body, envelope } = this.#init.message
    return envelope.id === undefined ? Buffer.from('null') : body.subarray(envelope.id.start, envelope.id.end)
  }

  #endError(): void {
    const body = this.#body ?? new JsonBody(0)
    const envelope = errorEnvelope(body)
    const rpcCode = envelope?.error === undefined ? undefined : codeOf(body.slice(envelope.error))
    if (this.#status === 400 && rpcCode === -32000 && this.#init.session?.hasId === true) {
      this.#loseSession()
      return
    }
    if (envelope?.error === undefined || this.#init.message.envelope.kind !== 'request')
      this.fail(this.#statusError(rpcCode))
    else if (this.#isOurs(body, envelope)) this.#answer(body, envelope)
    else if (envelope.id === undefined && (this.#status === 400 || this.#status === 404)) {
      this.#answerAnonymously(body.slice(envelope.error))
    } else this.fail(this.#statusError(rpcCode))
  }

  /** The server could not tell our id, but it can only mean us: nothing else was in this request. */
  #answerAnonymously(error: Buffer): void {
    const parts = [
      Buffer.from('{"jsonrpc":"2.0","id":'),
      this.#callerId(),
      Buffer.from(',"error":'),
      error,
      Buffer.from('}'),
    ]
    const json = Buffer.concat(parts)
    this.#finish()
    this.#flow.response(json, scanReply(json), this.#status)
  }

  #loseSession(): void {
    this.#init.session?.lost()
    this.#refuse(new UpstreamSessionLostError({ status: this.#status }))
  }

  #statusError(rpcCode?: number): UpstreamHttpStatusError {
    const after = retryAfterMs(this.#headers, this.#init.wire.now())
    return new UpstreamHttpStatusError({ status: this.#status, retryAfterMs: after, rpcCode })
  }

  /** The answer is known to be an error; its body is of no interest. */
  #refuse(error: unknown): void {
    this.fail(error)
    this.#call.letGo()
  }

  #message(json: Buffer, envelope: ReplyEnvelope): void {
    if (envelope.kind !== 'response') {
      // It goes on when the client has answered; until then only the call's total time bounds it.
      if (envelope.kind === 'request') this.#call.allowSilence()
      this.#flow.message(json, envelope)
      return
    }
    if (envelope.id === undefined || !json.subarray(envelope.id.start, envelope.id.end).equals(this.#id)) {
      this.#init.wire.onEvent?.({ type: 'late_answer_dropped', kind: 'response' })
      return
    }
    const edit = { span: envelope.id, bytes: this.#callerId() }
    this.#finish()
    this.#flow.response(replaceSpan(json, edit.span, edit.bytes), shiftReply(envelope, [edit]), this.#status)
    this.#call.letGo()
  }

  #breakOff(error: unknown): void {
    this.fail(error)
    this.#call.abort(error)
  }

  #streamEnded(): void {
    if (this.#over) return
    if (this.#resumes()) this.#init.options.onInterrupted?.()
    else this.fail(new UpstreamStreamTruncatedError())
  }

  #resumes(): boolean {
    const { session, options } = this.#init
    if (session === undefined || this.#feed?.lastEventId === undefined) return false
    return session.resume(this.#feed, this, options.signal)
  }

  fail(error: unknown): void {
    if (this.#over) return
    // A broken stream may be resumed like a closed one, as long as the server gave event ids.
    if (error instanceof UpstreamResetError && this.#feed !== undefined) {
      if (this.#resumes()) return
      this.#finish()
      this.#flow.fail(new UpstreamStreamTruncatedError({ cause: error }))
      return
    }
    this.#finish()
    this.#flow.fail(badAnswer(error, this.#status))
  }

  #finish(): void {
    this.#over = true
    this.#feed?.close()
    this.#init.options.signal.removeEventListener('abort', this.#onAbort)
  }
}
