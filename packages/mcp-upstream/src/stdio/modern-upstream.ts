import { UpstreamBusyError } from '../errors.js'
import type { ExchangeOptions, Upstream, UpstreamMessage, UpstreamReply } from '../upstream.js'
import type { ChildPool } from './child-pool.js'
import { LoneCall } from './lone-call.js'
import type { LoneChildren, LoneLease } from './lone-children.js'
import type { ChannelOwner } from './multiplexer.js'

/** The stateless exchange with a modern server: any caller, any child of the pool; some need a child to themselves. */
export class ModernUpstream implements Upstream, ChannelOwner {
  readonly era = 'modern'
  readonly isCaller = true
  readonly isListening = false
  readonly #pool: ChildPool
  readonly #lone: LoneChildren

  constructor(pool: ChildPool, lone: LoneChildren) {
    this.#pool = pool
    this.#lone = lone
  }

  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    options.onPhase?.('connecting')
    if (!isForServer(message)) return { kind: 'accepted' }
    const acquire = { signal: options.signal, maxWaitMs: options.limits.connectMs }
    const lease = await this.#leaseLone(message, options)
    if (lease) return await new LoneCall(lease).exchange(message, options)
    const { channel } = this.#pool.tryAcquire() ?? (await this.#pool.acquire(acquire))
    if (message.envelope.kind === 'request') return await channel.multiplexer.request(this, message, options).reply
    options.onPhase?.('sent')
    await channel.multiplexer.post(this, message)
    return { kind: 'accepted' }
  }

  // Without a place for one more child the request runs on a shared one: its log lines are lost, its answer is not.
  async #leaseLone(
    { envelope, exclusiveFor }: UpstreamMessage,
    options: ExchangeOptions,
  ): Promise<LoneLease | undefined> {
    if (exclusiveFor === undefined || envelope.kind !== 'request') return undefined
    const acquire = { signal: options.signal, maxWaitMs: options.limits.connectMs }
    try {
      return await this.#lone.lease(exclusiveFor, acquire)
    } catch (error) {
      if (error instanceof UpstreamBusyError) return undefined
      throw error
    }
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
