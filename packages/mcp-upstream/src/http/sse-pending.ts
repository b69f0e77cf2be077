import type { ReplyEnvelope, Span } from '../envelope.js'
import { UpstreamTimeoutError } from '../errors.js'
import { type Edit, shiftReply, spliceMany } from '../scan/splice.js'
import { type Timed, wheel } from '../timer-wheel.js'
import type { ExchangeOptions, MessageSink, UpstreamMessage, UpstreamReply } from '../upstream.js'
import { AnswerFlow } from './answer-flow.js'
import { type Backlog, BacklogShare } from './backlog.js'

/** What a {@link PendingAnswer} is made of. */
export interface PendingInit {
  readonly id: Buffer
  readonly message: UpstreamMessage
  readonly options: ExchangeOptions
  /** Of the stream: what comes for a reader that is slow waits there. */
  readonly backlog: Backlog
  /** Tells the server that nobody wants the answer any more. */
  cancelled(): void
}

/** One exchange that waits for its answer on the shared stream. */
export class PendingAnswer implements Timed {
  dueAt: number = Number.POSITIVE_INFINITY
  tick: number | undefined
  index = 0
  /** The minted id and progress token as raw JSON; the token is the id. */
  readonly key: string
  readonly token: string | undefined
  readonly #id: Buffer
  readonly #message: UpstreamMessage
  readonly #options: ExchangeOptions
  readonly #cancelled: () => void
  readonly #flow: AnswerFlow
  readonly #backlog: Backlog
  readonly #held: BacklogShare
  #isOver = false
  #hasBegun = false
  #mayBeSilent = false
  #onOver: (() => void) | undefined

  constructor({ id, message, options, backlog, cancelled }: PendingInit) {
    this.#id = id
    this.key = id.toString()
    this.token = message.envelope.progressToken === undefined ? undefined : this.key
    this.#message = message
    this.#options = options
    this.#cancelled = cancelled
    this.#backlog = backlog
    this.#held = new BacklogShare(backlog)
    // The stream belongs to all exchanges: one slow reader must not stop the others, so its messages queue up, bounded.
    this.#flow = new AnswerFlow({ pause() {}, resume() {}, cancel: (reason) => this.cancel(reason) })
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  readonly #onAbort = (): void => this.cancel(this.#options.signal.reason)

  async reply(): Promise<UpstreamReply> {
    if (this.#options.limits.firstByteMs !== undefined) wheel.arm(this, this.#options.limits.firstByteMs)
    const reply = await this.#flow.reply
    return reply.kind === 'stream' ? { ...reply, pipe: (sink) => this.#pipe(reply, sink) } : reply
  }

  async #pipe(reply: UpstreamReply & { kind: 'stream' }, sink: MessageSink): Promise<void> {
    try {
      await reply.pipe({
        message: (json, envelope) => {
          this.#held.taken(json.length)
          return sink.message(json, envelope)
        },
      })
    } finally {
      this.#held.drop()
    }
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
    // A server that asked the client something is silent for as long as the client thinks.
    this.#mayBeSilent ||= envelope.kind === 'request'
    if (this.#mayBeSilent) wheel.disarm(this)
    else wheel.arm(this, this.#options.limits.idleMs)
    const back = this.#backEdits(envelope.progressToken, this.#message.envelope.progressToken)
    const own = back.length === 0 ? json : spliceMany(json, back)
    if (!this.#isOver) this.#held.put(own.length)
    this.#flow.message(own, shiftReply(envelope, back))
  }

  response(json: Buffer, envelope: ReplyEnvelope): void {
    const back = this.#backEdits(envelope.id, this.#message.envelope.id)
    this.#finish()
    const own = spliceMany(json, back)
    if (this.#hasBegun) this.#held.put(own.length)
    this.#flow.response(own, shiftReply(envelope, back), 200)
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
    this.#held.drop()
    if (this.#isOver) return
    this.fail(reason)
    this.#cancelled()
  }

  expire(): void {
    const { firstByteMs, idleMs } = this.#options.limits
    const timer = this.#hasBegun ? 'idle' : 'first_byte'
    const afterMs = this.#hasBegun ? idleMs : (firstByteMs ?? 0)
    // While the stream is paused the server cannot be heard, and is not to blame.
    if (this.#backlog.isFull) wheel.arm(this, afterMs)
    else this.cancel(new UpstreamTimeoutError({ timer, afterMs, sent: true }))
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
