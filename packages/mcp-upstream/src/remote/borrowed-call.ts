import type { ReplyEnvelope } from '../envelope.js'
import type { MessageSink, Phase } from '../upstream.js'
import type { Outcome, ToOwner } from './protocol.js'

/** How an operation begins its answer. */
export type Opening = { readonly outcome: Outcome; readonly body: Buffer } | 'stream'

interface Arrived {
  readonly json: Buffer
  readonly envelope: ReplyEnvelope
}

export interface BorrowedCallOptions {
  readonly id: number
  readonly signal?: AbortSignal | undefined
  onPhase?(phase: Phase): void
  send(frame: ToOwner): void
  /** It needs no more frames. */
  onSettled(): void
}

/** One operation at the borrower's side, from the first frame until its answer is complete or nobody wants it. */
export class BorrowedCall {
  readonly opening: Promise<Opening>
  /** Resolves when it needs no more frames, however it went. */
  readonly settled: Promise<void>
  /** It reached the server, or may have. */
  sent = false
  readonly #options: BorrowedCallOptions
  readonly #opened = Promise.withResolvers<Opening>()
  readonly #over = Promise.withResolvers<void>()
  readonly #waiting: Arrived[] = []
  #wake = Promise.withResolvers<void>()
  #settled = false
  #ended = false
  #failure: { readonly error: unknown } | undefined
  readonly #onAbort = (): void => this.cancel(this.#options.signal?.reason)

  constructor(options: BorrowedCallOptions) {
    this.#options = options
    this.opening = this.#opened.promise
    this.settled = this.#over.promise
    // Whoever pipes a stream hears of its failure there.
    this.opening.catch(() => undefined)
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  onPhase(phase: Phase): void {
    this.sent ||= phase !== 'connecting'
    this.#options.onPhase?.(phase)
  }

  onOutcome(outcome: Outcome, body: Buffer): void {
    this.#opened.resolve({ outcome, body })
    this.#settle()
  }

  onStream(): void {
    this.#opened.resolve('stream')
  }

  onMessage(json: Buffer, envelope: ReplyEnvelope): void {
    this.#waiting.push({ json, envelope })
    this.#wakeUp()
  }

  onEnd(): void {
    this.#ended = true
    this.#settle()
    this.#wakeUp()
  }

  /** The operation failed; what has arrived before is still delivered. */
  fail(error: unknown): void {
    if (this.#settled) return
    this.#failure = { error }
    this.#opened.reject(error)
    this.#settle()
    this.#wakeUp()
  }

  /** Nobody wants the answer any more: the owner is told, and whoever waits gets the reason at once. */
  cancel(reason: unknown): void {
    if (this.#settled) return
    this.#options.send({ type: 'cancel', call: this.#options.id })
    this.#waiting.length = 0
    this.fail(reason)
  }

  /** Takes the messages of a stream, in order, one at a time. */
  async pipe(sink: MessageSink): Promise<void> {
    this.#options.send({ type: 'pull', call: this.#options.id })
    await this.read(sink)
  }

  /** The same for a stream that comes unasked. */
  async read(sink: MessageSink): Promise<void> {
    try {
      for (let next = await this.#next(); next !== undefined; next = await this.#next()) {
        await sink.message(next.json, next.envelope)
        this.#options.send({ type: 'taken', call: this.#options.id, bytes: next.json.length })
      }
    } catch (error) {
      this.cancel(error)
      throw error
    }
  }

  async #next(): Promise<Arrived | undefined> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next !== undefined) return next
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#ended) return undefined
      await this.#wake.promise
    }
  }

  #wakeUp(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  #settle(): void {
    if (this.#settled) return
    this.#settled = true
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#options.onSettled()
    this.#over.resolve()
  }
}
