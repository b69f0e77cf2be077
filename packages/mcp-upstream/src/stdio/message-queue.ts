import type { ReplyEnvelope } from '../envelope.js'
import type { MessageSink } from '../upstream.js'

/** Bounds of what waits for a slow reader. Over them notifications are dropped; requests and responses never are. */
export const MAX_HELD_MESSAGES = 1_000
export const MAX_HELD_BYTES: number = 4 * 1024 * 1024

interface Held {
  readonly json: Buffer
  readonly envelope: ReplyEnvelope
}

/**
 * Messages on their way to one sink. One pipe serves many callers, so a slow sink cannot pause the child:
 * what it does not take at once is held here, bounded.
 */
export class MessageQueue {
  #held: Held[] = []
  #heldBytes = 0
  #end: { readonly failure: unknown } | { readonly failure?: never } | undefined
  #wake: () => void = () => {}
  readonly #failed: PromiseWithResolvers<void> = Promise.withResolvers()

  /** False: the message was dropped, since the reader is too far behind. */
  push(json: Buffer, envelope: ReplyEnvelope): boolean {
    if (this.#end !== undefined || (envelope.kind === 'notification' && this.#isFull(json))) return false
    this.#held.push({ json, envelope })
    this.#heldBytes += json.length
    this.#wake()
    return true
  }

  /** Nothing more comes: `pipe` resolves once the rest is read. */
  close(): void {
    this.#end ??= {}
    this.#wake()
  }

  /** `pipe` rejects with `failure` at once, even while its sink hesitates. What is held is not delivered. */
  fail(failure: unknown): void {
    this.#end = { failure }
    this.#failed.resolve()
    this.#wake()
  }

  /** Hands everything to `sink`, one message at a time. Call once. Rejects with the failure, or what the sink throws. */
  async pipe(sink: MessageSink): Promise<void> {
    for (;;) {
      if (this.#end && 'failure' in this.#end) throw this.#end.failure
      const next = this.#held.shift()
      if (next) await this.#hand(next, sink)
      else if (this.#end) return
      else await this.#arrival()
    }
  }

  async #hand({ json, envelope }: Held, sink: MessageSink): Promise<void> {
    this.#heldBytes -= json.length
    const taken = sink.message(json, envelope)
    if (taken) await Promise.race([taken, this.#failed.promise])
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #isFull(json: Buffer): boolean {
    return this.#held.length >= MAX_HELD_MESSAGES || this.#heldBytes + json.length > MAX_HELD_BYTES
  }
}
