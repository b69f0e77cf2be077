import type { ReplyEnvelope } from '../envelope.js'
import { UpstreamClosedError, UpstreamSessionLostError } from '../errors.js'
import { isObject } from '../own-requests.js'
import type {
  ExchangeOptions,
  MessageSink,
  ServerIdentity,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import type { Channel } from './channel.js'
import type { InFlight } from './in-flight.js'
import { MessageQueue } from './message-queue.js'
import type { ChannelOwner } from './multiplexer.js'

/** A place on an initialised child. */
export interface Seat {
  readonly channel: Channel
  readonly identity: ServerIdentity
  /** Nobody else is on this child: what it asks can only be meant for us. */
  readonly exclusive: boolean
  /** Lets go of the child; an exclusive one is stopped. Bounded, never rejects. */
  leave(): Promise<void>
}

/** What a {@link StdioSession} needs. */
export interface StdioSessionOptions {
  readonly seat: Seat
  /** Another seat of the same kind, after the child was stopped for being idle, or an exclusive one. */
  takeSeat(kind: 'same' | 'exclusive', options: ExchangeOptions): Promise<Seat>
  onEnded(because: 'child_exited' | 'closed'): void
  /** Children of this server are never shared. */
  readonly ownsServer: boolean
}

/**
 * A legacy session on a child: a share of it, or all of it. A share cannot be asked anything by the server, since on a
 * pipe a request names no call and could reach the wrong client; subscribing moves a share to a child of its own.
 */
export class StdioSession implements UpstreamSession, ChannelOwner {
  readonly era = 'legacy'
  readonly sessionId: undefined
  readonly isCaller = true
  readonly #options: StdioSessionOptions
  readonly #ended = new AbortController()
  readonly #listeners = new Set<MessageQueue>()
  readonly #inFlight = new Set<InFlight>()
  #seat: Seat
  #moving: Promise<Seat> | undefined
  #closing: Promise<void> | undefined

  constructor(options: StdioSessionOptions) {
    this.#options = options
    this.#seat = options.seat
    this.#sitDown(options.seat)
  }

  get identity(): ServerIdentity {
    return this.#seat.identity
  }

  get ownsServer(): boolean {
    return this.#options.ownsServer
  }

  get ended(): AbortSignal {
    return this.#ended.signal
  }

  get isListening(): boolean {
    return this.#listeners.size > 0
  }

  /** Nothing is in flight and nobody listens. */
  get isQuiet(): boolean {
    return this.#inFlight.size === 0 && this.#listeners.size === 0
  }

  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    options.onPhase?.('connecting')
    const { channel } = await this.#seatFor(message, options)
    if (message.envelope.kind === 'request') return await this.#request(channel, message, options)
    await this.#post(channel, message, options)
    return { kind: 'accepted' }
  }

  async listen(sink: MessageSink, signal: AbortSignal, onOpen?: (missed: boolean) => void): Promise<void> {
    if (signal.aborted || this.ended.aborted) return
    const queue = new MessageQueue()
    const close = (): void => queue.close()
    this.#listeners.add(queue)
    signal.addEventListener('abort', close, { once: true })
    onOpen?.(false)
    try {
      await queue.pipe(sink)
    } finally {
      signal.removeEventListener('abort', close)
      this.#listeners.delete(queue)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  onNotification(json: Buffer, envelope: ReplyEnvelope): boolean {
    if (this.#listeners.size > 0) return this.#toListeners(json, envelope)
    return this.#seat.exclusive && this.#inFlight.size === 1 && this.#toNewestCall(json, envelope)
  }

  /** With one call in flight the server asks for that call; else it asks the session, or as a last resort the newest call. */
  onRequest(json: Buffer, envelope: ReplyEnvelope): boolean {
    if (!this.#seat.exclusive) return false
    if (this.#inFlight.size === 1) return this.#toNewestCall(json, envelope)
    return this.#toListeners(json, envelope) || this.#toNewestCall(json, envelope)
  }

  onSettled(inFlight: InFlight): void {
    this.#inFlight.delete(inFlight)
  }

  async #request(channel: Channel, message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    const inFlight = channel.multiplexer.request(this, message, options)
    if (!inFlight.isSettled) this.#inFlight.add(inFlight)
    return await inFlight.reply
  }

  async #post(channel: Channel, message: UpstreamMessage, options: ExchangeOptions): Promise<void> {
    const { method } = message.envelope
    // The handshake has said it already.
    if (method === 'notifications/initialized') return
    if (method === 'notifications/cancelled') {
      this.#cancel(channel, message)
      return
    }
    options.onPhase?.('sent')
    await channel.multiplexer.post(this, message)
  }

  #cancel(channel: Channel, { body, envelope }: UpstreamMessage): void {
    const params: unknown =
      envelope.params && JSON.parse(body.toString('utf8', envelope.params.start, envelope.params.end))
    if (isObject(params)) channel.multiplexer.cancel(this, params['requestId'], new UpstreamClosedError({ sent: true }))
  }

  async #seatFor(message: UpstreamMessage, options: ExchangeOptions): Promise<Seat> {
    await this.#moving
    if (this.#ended.signal.aborted) throw new UpstreamSessionLostError({ sent: false })
    const subscribes = message.envelope.method === 'resources/subscribe'
    if (subscribes && !this.#seat.exclusive) return await this.#move('exclusive', options)
    return this.#seat.channel.end === undefined ? this.#seat : await this.#move('same', options)
  }

  #move(kind: 'same' | 'exclusive', options: ExchangeOptions): Promise<Seat> {
    this.#moving ??= this.#options
      .takeSeat(kind, options)
      .then((seat) => this.#changeTo(seat))
      .finally(() => {
        this.#moving = undefined
      })
    return this.#moving
  }

  #changeTo(seat: Seat): Seat {
    const old = this.#seat
    this.#seat = seat
    if (this.#ended.signal.aborted) {
      void seat.leave()
      throw new UpstreamSessionLostError({ sent: false })
    }
    old.channel.multiplexer.detach(this)
    void old.leave()
    this.#sitDown(seat)
    return seat
  }

  #sitDown(seat: Seat): void {
    seat.channel.multiplexer.attach(this)
    seat.channel.ended.addEventListener('abort', () => this.#onChildEnded(seat), { once: true })
    if (seat.channel.ended.aborted) this.#onChildEnded(seat)
  }

  /** A share outlives a child that was stopped for being idle: the next message finds, or starts, another. */
  #onChildEnded(seat: Seat): void {
    if (this.#seat !== seat) return
    if (seat.channel.end === 'idle' && !seat.exclusive) return
    void this.#finish(seat.channel.end === 'exited' ? 'child_exited' : 'closed')
  }

  async #close(): Promise<void> {
    await this.#finish('closed')
  }

  async #finish(because: 'child_exited' | 'closed'): Promise<void> {
    if (this.#ended.signal.aborted) return
    this.#ended.abort()
    this.#seat.channel.multiplexer.detach(this)
    for (const inFlight of this.#inFlight) inFlight.giveUp(new UpstreamClosedError({ sent: inFlight.sent }))
    for (const listener of this.#listeners) listener.close()
    this.#options.onEnded(because)
    await this.#seat.leave()
  }

  #toListeners(json: Buffer, envelope: ReplyEnvelope): boolean {
    let taken = false
    for (const listener of this.#listeners) taken = listener.push(json, envelope) || taken
    return taken
  }

  #toNewestCall(json: Buffer, envelope: ReplyEnvelope): boolean {
    return [...this.#inFlight].at(-1)?.deliver(json, envelope) ?? false
  }
}
