import { isUtf8 } from 'node:buffer'
import type { ReplyEnvelope, Span } from '../envelope.js'
import {
  EnvelopeError,
  UpstreamAnswerTooLargeError,
  UpstreamBadAnswerError,
  type UpstreamError,
  UpstreamResetError,
} from '../errors.js'
import type { OnUpstreamEvent } from '../events.js'
import { OPEN_BRACKET } from '../scan/bytes.js'
import { scanReply } from '../scan/scan-reply.js'
import { type Edit, shiftReply, spliceMany } from '../scan/splice.js'
import { splitBatch } from '../scan/split-batch.js'
import type { ExchangeOptions, UpstreamMessage } from '../upstream.js'
import { InFlight } from './in-flight.js'
import { OVERSIZE_HEAD_BYTES } from './line-reader.js'
import type { LineWriter, WriteTicket } from './line-writer.js'
import { asLine, cancelledLine, mintedEdits, pongLine, refusalLine } from './lines.js'
import { printable } from './printable.js'
import { subscriptionIdSpan } from './subscription-id.js'
import { visibleResponseId } from './visible-id.js'

/** Who sends requests through a multiplexer: a session, the stateless upstream, or we ourselves. */
export interface ChannelOwner {
  /** Its requests are use of the child, which may otherwise be stopped as idle. */
  readonly isCaller: boolean
  /** It waits for what the server says of its own accord: the child is then in use too. */
  readonly isListening: boolean
  /** A notification that belongs to no answer (`list_changed`, logs). False: nobody wanted it. */
  onNotification(json: Buffer, envelope: ReplyEnvelope): boolean
  /** A request of the server, other than `ping`. False refuses it: the owner has no client that could answer. */
  onRequest(json: Buffer, envelope: ReplyEnvelope): boolean
  /** A request of this owner has its response, or never will. */
  onSettled(inFlight: InFlight): void
}

/** What a {@link Multiplexer} needs. */
export interface MultiplexerOptions {
  readonly pid: number
  readonly writer: LineWriter
  /** Longest line that is accepted; said in the error of the request that a longer one answers. */
  readonly maxAnswerBytes: number
  readonly now: () => number
  readonly onEvent?: OnUpstreamEvent | undefined
}

interface NewRequest {
  readonly id: number
  readonly owner: ChannelOwner
  readonly message: UpstreamMessage
  readonly options: ExchangeOptions
}

interface Sending {
  readonly inFlight: InFlight
  readonly owner: ChannelOwner
  ticket: WriteTicket | undefined
}

/** Bytes of a dropped line that the event shows. */
const SHOWN_BYTES = 200
const NULL_ID = Buffer.from('null')

/**
 * Many callers on one pipe. Each request goes out under an id of ours and comes back under its caller's, byte for byte;
 * progress tokens likewise. Ids are never used twice in the life of a child, so an answer that comes after its request
 * was cancelled or timed out finds nobody and is dropped: no list of cancelled ids is needed.
 */
export class Multiplexer {
  readonly #options: MultiplexerOptions
  readonly #sending = new Map<number, Sending>()
  readonly #owners = new Set<ChannelOwner>()
  #lastId = 0
  #lastUsedAtMs: number
  #droppedMessages = 0
  #ended: ((sent: boolean) => UpstreamError) | undefined

  constructor(options: MultiplexerOptions) {
    this.#options = options
    this.#lastUsedAtMs = options.now()
  }

  get inFlight(): number {
    return this.#sending.size
  }

  /** A caller waits for an answer. */
  get isAwaited(): boolean {
    for (const { owner } of this.#sending.values()) if (owner.isCaller) return true
    return false
  }

  /** Milliseconds since a caller last used the child; 0 while an answer is awaited or somebody listens. */
  idleMs(): number {
    return this.isAwaited || this.#isListenedTo() ? 0 : this.#options.now() - this.#lastUsedAtMs
  }

  /** Late, unknown and unwanted messages since the start. */
  get droppedMessages(): number {
    return this.#droppedMessages
  }

  attach(owner: ChannelOwner): void {
    this.#owners.add(owner)
  }

  detach(owner: ChannelOwner): void {
    this.#owners.delete(owner)
  }

  /**
   * Sends one request. Its reply settles when the server answers, the signal aborts, a timer runs out or the child ends.
   * @throws UpstreamBusyError if too much waits for the child already: nothing was sent.
   */
  request(owner: ChannelOwner, message: UpstreamMessage, options: ExchangeOptions): InFlight {
    options.signal.throwIfAborted()
    if (this.#ended) throw this.#ended(false)
    this.#lastId += 1
    const id = this.#lastId
    const line = asLine(message.body, mintedEdits(message, id))
    const inFlight = this.#newInFlight({ id, owner, message, options })
    this.#touch(owner)
    const sending: Sending = { inFlight, owner, ticket: undefined }
    this.#sending.set(id, sending)
    try {
      // A failed write needs no answer here: it ends the channel, which then fails everything in flight.
      sending.ticket = this.#options.writer.write(line, { onWrite: () => inFlight.wrote() })
    } catch (error) {
      inFlight.fail(error)
    }
    return inFlight
  }

  /** Sends a notification, or the caller's answer to a request of the server. Resolves when the pipe has taken it. */
  async post(owner: ChannelOwner, message: UpstreamMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let sent = false
    this.#touch(owner)
    this.#options.writer.write(asLine(message.body), {
      onWrite: () => {
        sent = true
      },
      onSettled: (error) => (error ? reject(new UpstreamResetError({ sent, cause: error })) : resolve()),
    })
    if (message.envelope.kind === 'response') this.#resume(owner)
    await promise
  }

  /** Cancels a request of `owner` by the id that the owner gave it; a request that is not in flight is no error. */
  cancel(owner: ChannelOwner, callerId: unknown, reason: unknown): void {
    for (const sending of this.#sending.values()) {
      if (sending.owner !== owner || JSON.parse(sending.inFlight.callerId.toString('utf8')) !== callerId) continue
      this.#abandon(sending.inFlight.id, reason)
      return
    }
  }

  /** One line from the child. What is no JSON-RPC message is dropped; invalid UTF-8 is replaced, as a decoder would. */
  receive(line: Buffer): void {
    try {
      const messages = line[0] === OPEN_BRACKET ? splitBatch(line) : undefined
      for (const json of messages ?? [line]) this.#dispatch(json, scanReply(json))
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      if (!isUtf8(line)) this.receive(Buffer.from(line.toString('utf8')))
      else
        this.#refuseLine(
          line,
          new UpstreamBadAnswerError({ detail: 'a line that is no JSON-RPC message', cause: error }),
        )
    }
  }

  /** A line was longer than allowed; this is its beginning. */
  receiveOversize(head: Buffer): void {
    this.#refuseLine(head, new UpstreamAnswerTooLargeError({ maxBytes: this.#options.maxAnswerBytes }))
  }

  /** The child is gone, or is being stopped: everything in flight fails at once, as does everything after. */
  end(failure: (sent: boolean) => UpstreamError): void {
    this.#ended ??= failure
    for (const { inFlight } of [...this.#sending.values()]) inFlight.fail(failure(inFlight.sent))
  }

  #newInFlight({ id, owner, message, options }: NewRequest): InFlight {
    const { body, envelope } = message
    const bytesOf = (span: Span | undefined): Buffer | undefined => span && body.subarray(span.start, span.end)
    const inFlight = new InFlight({
      id,
      callerId: bytesOf(envelope.id) ?? NULL_ID,
      callerToken: bytesOf(envelope.progressToken),
      options,
      // A listen stream may be silent for ever: a pipe has no keep-alive.
      idleMs: envelope.method === 'subscriptions/listen' ? undefined : options.limits.idleMs,
      abandon: (reason) => this.#abandon(id, reason),
      onSettled: () => this.#onSettled(owner, inFlight),
    })
    return inFlight
  }

  #onSettled(owner: ChannelOwner, inFlight: InFlight): void {
    this.#sending.delete(inFlight.id)
    this.#touch(owner)
    owner.onSettled(inFlight)
  }

  #touch(owner: ChannelOwner): void {
    if (owner.isCaller) this.#lastUsedAtMs = this.#options.now()
  }

  #isListenedTo(): boolean {
    for (const owner of this.#owners) if (owner.isListening) return true
    return false
  }

  #abandon(id: number, reason: unknown): void {
    const sending = this.#sending.get(id)
    if (!sending) return
    const withdrawn = sending.ticket?.withdraw() ?? false
    if (!withdrawn && sending.inFlight.sent) this.#say(cancelledLine(id))
    sending.inFlight.fail(reason)
  }

  #resume(owner: ChannelOwner): void {
    for (const sending of this.#sending.values()) if (sending.owner === owner) sending.inFlight.resume()
  }

  #dispatch(json: Buffer, envelope: ReplyEnvelope): void {
    if (envelope.kind === 'response') this.#onResponse(json, envelope)
    else if (envelope.kind === 'request') this.#onRequest(json, envelope)
    else this.#onNotification(json, envelope)
  }

  #onResponse(json: Buffer, envelope: ReplyEnvelope): void {
    const inFlight = this.#named(json, envelope.id)
    if (!inFlight || !envelope.id) {
      this.#drop(envelope)
      return
    }
    const edits = [{ span: envelope.id, bytes: inFlight.callerId }]
    inFlight.respond(spliceMany(json, edits), shiftReply(envelope, edits))
  }

  #onRequest(json: Buffer, envelope: ReplyEnvelope): void {
    const id = envelope.id && json.subarray(envelope.id.start, envelope.id.end)
    if (!id) return
    if (envelope.method === 'ping') this.#say(pongLine(id))
    else if (!this.#anyOwner((owner) => owner.onRequest(json, envelope))) this.#say(refusalLine(id))
  }

  #onNotification(json: Buffer, envelope: ReplyEnvelope): void {
    if (envelope.method === 'notifications/progress') {
      this.#deliver(json, envelope, { span: envelope.progressToken, restored: (inFlight) => inFlight.callerToken })
      return
    }
    const subscription = subscriptionIdSpan(json, envelope)
    if (subscription) {
      this.#deliver(json, envelope, { span: subscription, restored: (inFlight) => inFlight.callerId })
      return
    }
    const wanted = [...this.#owners].map((owner) => owner.onNotification(json, envelope))
    if (!wanted.includes(true)) this.#drop(envelope)
  }

  /** Hands a notification to the request that it names, under the name that the caller knows. */
  #deliver(json: Buffer, envelope: ReplyEnvelope, name: NotificationName): void {
    const inFlight = this.#named(json, name.span)
    const bytes = inFlight && name.restored(inFlight)
    if (!inFlight || !bytes || !name.span) {
      this.#drop(envelope)
      return
    }
    const edits: readonly Edit[] = [{ span: name.span, bytes }]
    if (!inFlight.deliver(spliceMany(json, edits), shiftReply(envelope, edits))) this.#drop(envelope)
  }

  /** The request with our id at `span`. Some servers send a number back as a string. */
  #named(json: Buffer, span: Span | undefined): InFlight | undefined {
    if (!span) return undefined
    const digits = /^"?(\d+)"?$/.exec(json.toString('latin1', span.start, span.end))?.[1]
    return digits === undefined ? undefined : this.#sending.get(Number(digits))?.inFlight
  }

  #anyOwner(takes: (owner: ChannelOwner) => boolean): boolean {
    for (const owner of this.#owners) if (takes(owner)) return true
    return false
  }

  /** Sends a line of ours. A child that has 8 MiB of unread input does not get it: it would not read it either. */
  #say(line: Buffer): void {
    if (this.#options.writer.hasRoomFor(line)) this.#options.writer.write(line)
  }

  #drop(envelope: ReplyEnvelope): void {
    this.#droppedMessages += 1
    this.#options.onEvent?.({ type: 'late_answer_dropped', kind: envelope.kind })
  }

  #refuseLine(line: Buffer, failure: UpstreamError): void {
    const head = printable(line, SHOWN_BYTES)
    this.#options.onEvent?.({ type: 'child_line_dropped', pid: this.#options.pid, bytes: line.length, head })
    const id = visibleResponseId(line.subarray(0, OVERSIZE_HEAD_BYTES))
    if (id !== undefined) this.#sending.get(id)?.inFlight.fail(failure)
  }
}

interface NotificationName {
  readonly span: Span | undefined
  restored(inFlight: InFlight): Buffer | undefined
}
