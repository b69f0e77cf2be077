import type { ReplyEnvelope } from '../envelope.js'
import type { ExchangeOptions, UpstreamMessage, UpstreamReply } from '../upstream.js'
import type { InFlight } from './in-flight.js'
import type { LoneLease } from './lone-children.js'
import type { ChannelOwner } from './multiplexer.js'

/** The only request on its child: every notification of the server belongs to it. Releases the child at its end. */
export class LoneCall implements ChannelOwner {
  readonly isCaller = true
  readonly isListening = false
  readonly #lease: LoneLease
  #inFlight: InFlight | undefined

  constructor(lease: LoneLease) {
    this.#lease = lease
  }

  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    const { multiplexer } = this.#lease.child.channel
    multiplexer.attach(this)
    try {
      const inFlight = multiplexer.request(this, message, options)
      if (!inFlight.isSettled) this.#inFlight = inFlight
      return await inFlight.reply
    } catch (error) {
      this.onSettled()
      throw error
    }
  }

  onNotification(json: Buffer, envelope: ReplyEnvelope): boolean {
    return this.#inFlight?.deliver(json, envelope) ?? false
  }

  // A modern server asks nothing but by `input_required`.
  onRequest(): boolean {
    return false
  }

  onSettled(): void {
    this.#inFlight = undefined
    this.#lease.child.channel.multiplexer.detach(this)
    this.#lease.release()
  }
}
