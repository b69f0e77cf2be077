import type { MessageSink, ReplyEnvelope, UpstreamReply } from '@mcp-platform/mcp-upstream'

type StreamReply = UpstreamReply & { readonly kind: 'stream' }

/**
 * Waits for the first message of an answer that came as a stream. A response alone becomes a complete reply (most
 * servers wrap every answer into one event); anything else is the commit point: the stream goes on as a stream, with
 * the first message held until a sink is attached. A stream that fails before that rejects here, where failover can
 * still act on it (BALANCING.md, commit point (c)).
 */
export async function settleStream(reply: StreamReply): Promise<UpstreamReply> {
  const held = new HeldStream(reply)
  return held.first
}

class HeldStream implements MessageSink {
  readonly first: Promise<UpstreamReply>
  readonly #reply: StreamReply
  readonly #finished: Promise<void>
  readonly #attached: PromiseWithResolvers<MessageSink> = Promise.withResolvers()
  readonly #first: PromiseWithResolvers<UpstreamReply> = Promise.withResolvers()
  #sink: MessageSink | undefined
  #began = false

  constructor(reply: StreamReply) {
    this.#reply = reply
    this.first = this.#first.promise
    this.#finished = reply.pipe(this)
    this.#finished.catch((error: unknown) => this.#first.reject(error))
  }

  message(json: Buffer, envelope: ReplyEnvelope): void | Promise<void> {
    if (this.#sink) return this.#sink.message(json, envelope)
    if (!this.#began && envelope.kind === 'response') {
      this.#first.resolve({ kind: 'complete', json, envelope, status: 200 })
      return
    }
    this.#began = true
    this.#first.resolve(this.#asStream())
    return this.#attached.promise.then((sink) => sink.message(json, envelope))
  }

  #asStream(): UpstreamReply {
    return {
      kind: 'stream',
      pipe: async (sink) => {
        this.#sink = sink
        this.#attached.resolve(sink)
        await this.#finished
      },
      cancel: (reason) => this.#reply.cancel(reason),
    }
  }
}
