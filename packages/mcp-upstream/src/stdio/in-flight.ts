import type { ReplyEnvelope } from '../envelope.js'
import { UpstreamAnswerTooLargeError, UpstreamTimeoutError, type UpstreamTimer } from '../errors.js'
import type { ExchangeOptions, UpstreamReply } from '../upstream.js'
import { MessageQueue } from './message-queue.js'

/** What an {@link InFlight} is made of. */
export interface InFlightInit {
  /** Minted by us, unique for the life of the child; also serves as progress token. */
  readonly id: number
  /** The caller's id and progress token as raw bytes, so that `7` and `"7"` come back as they were. */
  readonly callerId: Buffer
  readonly callerToken: Buffer | undefined
  readonly options: ExchangeOptions
  /** Milliseconds of silence allowed once the answer has begun; absent: any. */
  readonly idleMs: number | undefined
  /** Asks the multiplexer to take the request back or to cancel it at the server, and to fail it with `reason`. */
  abandon(reason: unknown): void
  onSettled(): void
}

/** One request between its acceptance and its response: turns the messages that belong to it into an `UpstreamReply`. */
export class InFlight {
  /** `complete` when the response is the first thing that comes, else `stream`. */
  readonly reply: Promise<UpstreamReply>
  readonly #init: InFlightInit
  readonly #head: PromiseWithResolvers<UpstreamReply> = Promise.withResolvers()
  readonly #onAbort = (): void => this.#init.abandon(this.#init.options.signal.reason)
  #stream: MessageQueue | undefined
  #timer: NodeJS.Timeout | undefined
  #sent = false
  #answering = false
  #settled = false

  constructor(init: InFlightInit) {
    this.#init = init
    this.reply = this.#head.promise
    init.options.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get id(): number {
    return this.#init.id
  }

  get callerId(): Buffer {
    return this.#init.callerId
  }

  get callerToken(): Buffer | undefined {
    return this.#init.callerToken
  }

  /** It has its response, or never will. */
  get isSettled(): boolean {
    return this.#settled
  }

  /** The child may have seen it. */
  get sent(): boolean {
    return this.#sent
  }

  /** The first byte is about to go to the pipe. */
  wrote(): void {
    if (this.#settled) return
    this.#sent = true
    this.#init.options.onPhase?.('sent')
    this.#arm('first_byte', this.#init.options.limits.firstByteMs)
  }

  /** A notification or a request of the server that belongs to this answer. False: dropped, the reader is too slow. */
  deliver(json: Buffer, envelope: ReplyEnvelope): boolean {
    if (this.#settled) return false
    this.#begin()
    // A server that asks the user something is silent for as long as the user thinks.
    this.#arm('idle', envelope.kind === 'request' ? undefined : this.#init.idleMs)
    this.#stream ??= this.#openStream()
    return this.#stream.push(json, envelope)
  }

  /** The response, with the caller's id. */
  respond(json: Buffer, envelope: ReplyEnvelope): void {
    const { maxAnswerBytes } = this.#init.options.limits
    if (json.length > maxAnswerBytes) {
      this.fail(new UpstreamAnswerTooLargeError({ maxBytes: maxAnswerBytes }))
      return
    }
    if (!this.#settle()) return
    this.#begin()
    if (!this.#stream) {
      this.#head.resolve({ kind: 'complete', json, envelope, status: 200 })
      return
    }
    this.#stream.push(json, envelope)
    this.#stream.close()
  }

  /** No response will come. `failure` is an UpstreamError or the reason of the caller's signal. */
  fail(failure: unknown): void {
    if (!this.#settle()) return
    if (this.#stream) this.#stream.fail(failure)
    else this.#head.reject(failure)
  }

  /** Nobody wants the answer any more: takes the request back, or cancels it at the server. */
  giveUp(reason: unknown): void {
    this.#init.abandon(reason)
  }

  /** The caller answered what the server asked: silence counts again. */
  resume(): void {
    if (this.#answering && !this.#settled) this.#arm('idle', this.#init.idleMs)
  }

  #begin(): void {
    if (this.#answering) return
    this.#answering = true
    this.#init.options.onPhase?.('headers')
  }

  #openStream(): MessageQueue {
    const stream = new MessageQueue()
    const abandon = this.#init.abandon
    this.#head.resolve({
      kind: 'stream',
      async pipe(sink) {
        try {
          await stream.pipe(sink)
        } catch (error) {
          abandon(error)
          throw error
        }
      },
      cancel: (reason) => abandon(reason),
    })
    return stream
  }

  #arm(timer: UpstreamTimer, afterMs: number | undefined): void {
    clearTimeout(this.#timer)
    if (afterMs === undefined) return
    const abandon = (): void => this.#init.abandon(new UpstreamTimeoutError({ timer, afterMs, sent: true }))
    this.#timer = setTimeout(abandon, afterMs).unref()
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    clearTimeout(this.#timer)
    this.#init.options.signal.removeEventListener('abort', this.#onAbort)
    this.#init.onSettled()
    return true
  }
}
