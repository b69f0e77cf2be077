import type { ReplyEnvelope } from '../envelope.js'
import type { MessageSink, UpstreamReply } from '../upstream.js'

/** Where the messages of an answer come from. */
export interface AnswerSource {
  pause(): void
  resume(): void
  /** The caller gives the answer up. */
  cancel(reason: unknown): void
}

interface Item {
  readonly json: Buffer
  readonly envelope: ReplyEnvelope
  readonly isResponse: boolean
}

/**
 * Turns the messages of one answer into an {@link UpstreamReply}: `complete` when the response comes first,
 * else a `stream` that hands over one message at a time and pauses its source meanwhile.
 */
export class AnswerFlow {
  readonly reply: Promise<UpstreamReply>
  readonly #source: AnswerSource
  readonly #settle: (reply: UpstreamReply) => void
  readonly #reject: (error: unknown) => void
  #state: 'waiting' | 'stream' | 'over' = 'waiting'
  #queue: Item[] | undefined
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #piped = false

  constructor(source: AnswerSource) {
    this.#source = source
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamReply>()
    this.reply = promise
    this.#settle = resolve
    this.#reject = reject
  }

  /** A message that was posted, not asked: the server took it. */
  accepted(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'over'
    this.#settle({ kind: 'accepted' })
  }

  /** A notification or a request of the server, within the answer. */
  message(json: Buffer, envelope: ReplyEnvelope): void {
    this.#enqueue({ json, envelope, isResponse: false })
  }

  /** The response; nothing may follow. `status` is the HTTP status it came with. */
  response(json: Buffer, envelope: ReplyEnvelope, status: number): void {
    if (this.#state !== 'waiting') {
      this.#enqueue({ json, envelope, isResponse: true })
      return
    }
    this.#state = 'over'
    this.#settle({ kind: 'complete', json, envelope, status })
  }

  /** The answer failed; what came before is still handed over. */
  fail(error: unknown): void {
    if (this.#state === 'over' || this.#failure !== undefined) return
    this.#failure = { error }
    if (this.#state === 'waiting') {
      this.#state = 'over'
      this.#reject(error)
    }
    this.#wake?.()
  }

  #enqueue(item: Item): void {
    if (this.#state === 'over' || this.#failure !== undefined) return
    this.#queue ??= []
    this.#queue.push(item)
    if (this.#state === 'waiting') this.#openStream()
    if (this.#wake === undefined) this.#source.pause()
    else this.#wake()
  }

  #openStream(): void {
    this.#state = 'stream'
    this.#settle({
      kind: 'stream',
      pipe: (sink) => this.#pipe(sink),
      cancel: (reason) => this.#source.cancel(reason),
    })
  }

  async #pipe(sink: MessageSink): Promise<void> {
    if (this.#piped) throw new TypeError('upstream: an answer can be piped once')
    this.#piped = true
    try {
      while (!(await this.#deliver(sink))) await this.#more()
    } catch (error) {
      this.#source.cancel(error)
      throw error
    } finally {
      this.#state = 'over'
      this.#queue = undefined
    }
  }

  /** Empties the queue; true when the response was in it. */
  async #deliver(sink: MessageSink): Promise<boolean> {
    for (let item = this.#queue?.shift(); item !== undefined; item = this.#queue?.shift()) {
      const taken = sink.message(item.json, item.envelope)
      if (taken !== undefined) await taken
      if (item.isResponse) return true
    }
    if (this.#failure !== undefined) throw this.#failure.error
    return false
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
      this.#source.resume()
    })
  }
}
