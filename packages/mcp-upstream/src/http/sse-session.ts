import { identityFromInitialize, ownNotification, ownRequest, type RpcAnswer, readAnswer } from '../own-requests.js'
import type {
  ExchangeOptions,
  MessageSink,
  ServerIdentity,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import type { OpenHttpSession } from './http-session.js'
import { SseChannel } from './sse-channel.js'

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

  listen(sink: MessageSink, signal: AbortSignal, onOpen?: (missed: boolean) => void): Promise<void> {
    const listening = this.#channel.listen(sink, signal)
    onOpen?.(false)
    return listening
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#channel.close()
    this.#open.wire.onEvent?.({ type: 'session_closed', context: this.#open.context })
  }
}
