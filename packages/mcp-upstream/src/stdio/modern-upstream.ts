import type { ExchangeOptions, Upstream, UpstreamMessage, UpstreamReply } from '../upstream.js'
import type { ChildPool } from './child-pool.js'
import type { ChannelOwner } from './multiplexer.js'

/** The stateless exchange with a modern server: any caller, any child of the pool. */
export class ModernUpstream implements Upstream, ChannelOwner {
  readonly era = 'modern'
  readonly isCaller = true
  readonly isListening = false
  readonly #pool: ChildPool

  constructor(pool: ChildPool) {
    this.#pool = pool
  }

  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    options.onPhase?.('connecting')
    if (!isForServer(message)) return { kind: 'accepted' }
    const acquire = { signal: options.signal, maxWaitMs: options.limits.connectMs }
    const { channel } = this.#pool.tryAcquire() ?? (await this.#pool.acquire(acquire))
    if (message.envelope.kind === 'request') return await channel.multiplexer.request(this, message, options).reply
    options.onPhase?.('sent')
    await channel.multiplexer.post(this, message)
    return { kind: 'accepted' }
  }

  // A modern server says nothing outside of an answer, and asks nothing but by `input_required`.
  onNotification(): boolean {
    return false
  }

  onRequest(): boolean {
    return false
  }

  onSettled(): void {
    // Callers follow their own replies.
  }
}

/** Callers cancel by their signal: on a shared pipe the id in a `notifications/cancelled` could be anybody's. */
function isForServer({ envelope }: UpstreamMessage): boolean {
  return envelope.kind !== 'response' && envelope.method !== 'notifications/cancelled'
}
