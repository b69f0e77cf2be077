import { setTimeout as delay } from 'node:timers/promises'
import {
  type Connection,
  type ExchangeLimits,
  type ExchangeOptions,
  type MessageSink,
  type ReplyEnvelope,
  type ServerIdentity,
  type SessionInit,
  scanReply,
  type UpstreamMessage,
  type UpstreamReply,
  type UpstreamSession,
  UpstreamSessionLostError,
} from '@mcp-platform/mcp-upstream'
import { answerServer, askedId, capabilityFor, REFUSAL } from './asking.js'
import { asObject } from './json-edit.js'
import { isAway, requireSuccess } from './reopening.js'
import { mayRemember, serverMark } from './server-mark.js'
import { SessionMemory } from './session-memory.js'

/** A server that forgets a session again within this time is not asked a third time, in milliseconds. */
const REOPEN_EVERY_MS = 10_000
/** Handshake and replay of a session that is opened again take no longer than this, in milliseconds. */
const REOPEN_MS = 15_000
/** A lost session that somebody listens to is opened again after this time, in milliseconds: the server may be starting. */
const REOPEN_AFTER_MS = 1_000
/** Each time that its server is not there yet the wait is twice as long, up to this, in milliseconds. */
const MAX_REOPEN_AFTER_MS = 15_000

export interface LastingSessionOptions {
  readonly connection: Connection
  /** What the client said in `initialize`. */
  readonly init: SessionInit
  readonly context: string
  /** Bounds of the handshake when the session is opened again. */
  readonly limits: ExchangeLimits
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Somebody reads what the server says of its own accord: a lost session is then opened again without a message. */
  readonly isHeard: () => boolean
  readonly onReopened?: (() => void) | undefined
  /** {@link serverMark} of what the server had said of itself to the process that opened the session. @default this one did */
  readonly inheritedMark?: string | undefined
}

/**
 * The upstream session of one legacy client. When the server has lost it and nothing hangs on it, it is opened again
 * with the client's own `initialize`, told what the server had been told, and the refused message is sent once more:
 * the server had certainly not executed it. Where that is not safe the session ends.
 */
export class LastingSession implements UpstreamSession {
  readonly era = 'legacy'
  readonly #options: LastingSessionOptions
  readonly #memory = new SessionMemory()
  readonly #ended = new AbortController()
  #current: UpstreamSession
  #reopening: Promise<UpstreamSession> | undefined
  #reopenedAt = Number.NEGATIVE_INFINITY
  #isAwaited = false
  /** The server was seen to know the session. */
  #isProven: boolean
  #listener: { readonly sink: MessageSink; readonly signal: AbortSignal } | undefined

  /** @throws UpstreamError as `Connection.openSession` does */
  static async open(options: LastingSessionOptions, io: ExchangeOptions): Promise<LastingSession> {
    const { connection, init, context } = options
    return new LastingSession(options, await connection.openSession(init, context, io))
  }

  /** Goes on with a session that another process had opened; `options.inheritedMark` says on which server. */
  static inherit(options: LastingSessionOptions, first: UpstreamSession): LastingSession {
    return new LastingSession(options, first)
  }

  private constructor(options: LastingSessionOptions, first: UpstreamSession) {
    this.#options = options
    this.#current = first
    this.#isProven = options.inheritedMark === undefined
    this.#watchOver(first)
  }

  get identity(): ServerIdentity {
    return this.#current.identity
  }

  get sessionId(): string | undefined {
    return this.#current.sessionId
  }

  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** @throws UpstreamSessionLostError when the server lost the session and it could not be opened again */
  async exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    if (message.envelope.kind === 'response') return this.#answer(message, options)
    const used = this.#current
    try {
      return await this.#exchangeOn(used, message, options)
    } catch (error) {
      if (!(error instanceof UpstreamSessionLostError)) throw error
      const successor = await untilAborted(this.#successorOf(used, error), options.signal)
      return this.#exchangeOn(successor, message, options)
    }
  }

  async listen(sink: MessageSink, signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.ended])
    this.#listener = { sink, signal: over }
    this.#follow(this.#current)
    if (!over.aborted) await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }))
  }

  /** Somebody listens from now on: a session that was lost unheard is opened again. */
  heard(): void {
    if (this.#current.ended.aborted) this.#onLost(this.#current)
  }

  async close(): Promise<void> {
    this.#ended.abort()
    await this.#current.close()
  }

  async #exchangeOn(
    session: UpstreamSession,
    message: UpstreamMessage,
    options: ExchangeOptions,
  ): Promise<UpstreamReply> {
    if (session.ended.aborted) throw new UpstreamSessionLostError({ sent: false })
    const reply = await session.exchange(message, options)
    this.#isProven = true
    if (reply.kind === 'complete') this.#onResponse(message, reply.envelope)
    return reply.kind === 'stream' ? this.#watched(reply, message, session) : reply
  }

  /** An answer goes to the session that asked, be it the one before. To another it would mean nothing. */
  async #answer(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    return (this.#memory.takeAsker(message) ?? this.#current).exchange(message, options)
  }

  #watched(
    reply: UpstreamReply & { kind: 'stream' },
    message: UpstreamMessage,
    session: UpstreamSession,
  ): UpstreamReply {
    return { kind: 'stream', pipe: (sink) => this.#pipe(reply, message, session, sink), cancel: reply.cancel }
  }

  async #pipe(
    reply: UpstreamReply & { kind: 'stream' },
    message: UpstreamMessage,
    session: UpstreamSession,
    sink: MessageSink,
  ): Promise<void> {
    const asks: string[] = []
    const watching: MessageSink = {
      message: (json, envelope) => {
        if (this.#cannotAnswer(envelope)) return this.#refuse(json, envelope, session)
        if (envelope.kind === 'request') asks.push(this.#memory.asked(json, envelope, session))
        if (envelope.kind === 'response') this.#onResponse(message, envelope)
        return sink.message(json, envelope)
      },
    }
    try {
      await reply.pipe(watching)
    } finally {
      for (const token of asks) this.#memory.settled(token)
    }
  }

  #onResponse(message: UpstreamMessage, { result }: ReplyEnvelope): void {
    if (result !== undefined) this.#memory.succeeded(message)
  }

  /** The session to go on with after `lost`, opened once for all messages that were refused. */
  #successorOf(lost: UpstreamSession, error: UpstreamSessionLostError): Promise<UpstreamSession> {
    if (this.#current !== lost) return Promise.resolve(this.#current)
    this.#reopening ??= this.#reopen(error).finally(() => {
      this.#reopening = undefined
    })
    return this.#reopening
  }

  async #reopen(lost: UpstreamSessionLostError): Promise<UpstreamSession> {
    if (!this.#mayReopen()) throw this.#over(lost)
    void this.#current.close()
    try {
      return this.#become(await this.#openAlike())
    } catch (cause) {
      // What opening failed with says nothing about the message, which was certainly not executed.
      const error = new UpstreamSessionLostError({ status: lost.status, cause })
      throw this.#isAwaited && isAway(cause) ? error : this.#over(error)
    }
  }

  #mayReopen(): boolean {
    if (this.ended.aborted || this.#memory.isTied || this.#current.ownsServer === true) return false
    // One that its client had ended, or that was over for another reason before it came here, is not brought back.
    if (!this.#isProven || this.#mayHaveTies) return false
    return this.#options.now() - this.#reopenedAt >= REOPEN_EVERY_MS
  }

  /** What the process before this one had told the server, and was asked by it, is not known here. */
  get #mayHaveTies(): boolean {
    const { inheritedMark, init } = this.#options
    return inheritedMark !== undefined && mayRemember(this.identity, init)
  }

  async #openAlike(): Promise<UpstreamSession> {
    const { connection, init, context, limits } = this.#options
    const io = { signal: AbortSignal.any([this.ended, AbortSignal.timeout(REOPEN_MS)]), limits }
    const fresh = await connection.openSession(init, context, io)
    try {
      if (!this.#isSameServer(fresh.identity)) throw new Error('the server is not what the client was told')
      for (const message of this.#memory.replay()) await requireSuccess(fresh, message, io)
      return fresh
    } catch (error) {
      await fresh.close()
      throw error
    }
  }

  #isSameServer(fresh: ServerIdentity): boolean {
    const told = this.#options.inheritedMark ?? serverMark(this.identity)
    return told === serverMark(fresh)
  }

  #become(fresh: UpstreamSession): UpstreamSession {
    this.#reopenedAt = this.#options.now()
    this.#current = fresh
    this.#watchOver(fresh)
    this.#follow(fresh)
    this.#tellOfGap(fresh.identity)
    this.#options.onReopened?.()
    return fresh
  }

  #over(error: UpstreamSessionLostError): UpstreamSessionLostError {
    this.#ended.abort()
    return error
  }

  #watchOver(session: UpstreamSession): void {
    session.ended.addEventListener('abort', () => this.#onLost(session), { once: true })
    if (session.ended.aborted) this.#onLost(session)
  }

  /** Without a listener the next message will find out; a listener would wait for ever. */
  #onLost(session: UpstreamSession): void {
    if (this.ended.aborted || this.#current !== session || this.#reopening !== undefined) return
    if (!this.#mayReopen()) this.#ended.abort()
    else if (this.#options.isHeard() && !this.#isAwaited) void this.#await(session)
  }

  /** Opens the session again for who listens, when its server is back. A message that comes meanwhile does not wait. */
  async #await(lost: UpstreamSession): Promise<void> {
    this.#isAwaited = true
    try {
      for (let pauseMs = REOPEN_AFTER_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_REOPEN_AFTER_MS)) {
        await delay(pauseMs, undefined, { signal: this.ended, ref: false })
        if (this.#current !== lost || !this.#options.isHeard()) return
        if (await this.#isBack(lost)) return
      }
    } catch {
      // A failure has ended this session, or its client has: there is nobody to tell.
    } finally {
      this.#isAwaited = false
    }
  }

  /** False while the server is away. */
  async #isBack(lost: UpstreamSession): Promise<boolean> {
    try {
      await this.#successorOf(lost, new UpstreamSessionLostError({ sent: false }))
      return true
    } catch (error) {
      if (this.ended.aborted) throw error
      return false
    }
  }

  #follow(session: UpstreamSession): void {
    if (this.#listener === undefined) return
    const { sink, signal } = this.#listener
    const watching: MessageSink = {
      message: (json, envelope) => {
        this.#isProven = true
        // A server that is gone by now does not wait for its answer.
        if (this.#cannotAnswer(envelope)) return this.#refuse(json, envelope, session).catch(() => undefined)
        if (envelope.kind === 'request') this.#memory.asked(json, envelope, session)
        return sink.message(json, envelope)
      },
    }
    // Nothing would ever be heard again, and nobody would know. A server without a stream for this does not end here.
    const onOpen = (missed: boolean): void => {
      if (missed) this.#tellOfGap(session.identity)
    }
    session.listen(watching, signal, onOpen).catch(() => this.#current === session && this.#ended.abort())
  }

  /** A client is not asked what it never offered: one that is not made for it may not answer at all. */
  #cannotAnswer({ kind, method }: ReplyEnvelope): boolean {
    const capability = kind === 'request' ? capabilityFor(method) : undefined
    return capability !== undefined && !(capability in this.#options.init.capabilities)
  }

  async #refuse(json: Buffer, envelope: ReplyEnvelope, session: UpstreamSession): Promise<void> {
    const io = { signal: this.ended, limits: this.#options.limits }
    await answerServer(session, askedId(json, envelope), REFUSAL, io)
  }

  /** What changed while the server was away, nobody heard: the client has to look for itself. */
  #tellOfGap({ capabilities }: ServerIdentity): void {
    const lists = LISTS.filter((list) => asObject(capabilities[list])?.['listChanged'] === true)
    for (const list of lists) this.#tell(`notifications/${list}/list_changed`)
    for (const uri of this.#memory.subscriptions) this.#tell('notifications/resources/updated', { uri })
  }

  #tell(method: string, params?: object): void {
    const json = Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }))
    void this.#listener?.sink.message(json, scanReply(json))
  }
}

const LISTS = ['tools', 'prompts', 'resources'] as const

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: result, resolve, reject } = Promise.withResolvers<T>()
  const giveUp = (): void => reject(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  return result
}
