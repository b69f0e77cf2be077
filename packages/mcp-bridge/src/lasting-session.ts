import { isDeepStrictEqual } from 'node:util'
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
import { SessionMemory } from './session-memory.js'

/** A server that forgets a session again within this time is not asked a third time, in milliseconds. */
const REOPEN_EVERY_MS = 10_000
/** Handshake and replay of a session that is opened again take no longer than this, in milliseconds. */
const REOPEN_MS = 15_000
/** A lost session that somebody listens to is opened again after this time, in milliseconds: the server may be starting. */
const REOPEN_AFTER_MS = 1_000

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
  #listener: { readonly sink: MessageSink; readonly signal: AbortSignal } | undefined

  /** @throws UpstreamError as `Connection.openSession` does */
  static async open(options: LastingSessionOptions, io: ExchangeOptions): Promise<LastingSession> {
    const { connection, init, context } = options
    return new LastingSession(options, await connection.openSession(init, context, io))
  }

  private constructor(options: LastingSessionOptions, first: UpstreamSession) {
    this.#options = options
    this.#current = first
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
    this.#reopenedAt = this.#options.now()
    void this.#current.close()
    try {
      return this.#become(await this.#openAlike())
    } catch (cause) {
      // What opening failed with says nothing about the message, which was certainly not executed.
      throw this.#over(new UpstreamSessionLostError({ status: lost.status, cause }))
    }
  }

  #mayReopen(): boolean {
    if (this.ended.aborted || this.#memory.isTied || this.#current.ownsServer === true) return false
    return this.#options.now() - this.#reopenedAt >= REOPEN_EVERY_MS
  }

  async #openAlike(): Promise<UpstreamSession> {
    const { connection, init, context, limits } = this.#options
    const io = { signal: AbortSignal.any([this.ended, AbortSignal.timeout(REOPEN_MS)]), limits }
    const fresh = await connection.openSession(init, context, io)
    try {
      if (!isSameServer(this.identity, fresh.identity)) throw new Error('the server is not what the client was told')
      for (const message of this.#memory.replay()) await requireSuccess(fresh, message, io)
      return fresh
    } catch (error) {
      await fresh.close()
      throw error
    }
  }

  #become(fresh: UpstreamSession): UpstreamSession {
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
    else if (this.#options.isHeard()) setTimeout(() => this.#reopenFor(session), REOPEN_AFTER_MS).unref()
  }

  #reopenFor(session: UpstreamSession): void {
    if (this.ended.aborted) return
    // A failure has ended this session, which is all that there is to say about it.
    this.#successorOf(session, new UpstreamSessionLostError({ sent: false })).catch(() => undefined)
  }

  #follow(session: UpstreamSession): void {
    if (this.#listener === undefined) return
    const { sink, signal } = this.#listener
    const watching: MessageSink = {
      message: (json, envelope) => {
        if (this.#cannotAnswer(envelope)) return this.#refuse(json, envelope, session)
        if (envelope.kind === 'request') this.#memory.asked(json, envelope, session)
        return sink.message(json, envelope)
      },
    }
    // A server without a GET stream, or one that dropped it, is no reason to end the session: calls still work.
    session.listen(watching, signal).catch(() => undefined)
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

/** Whether what the client was told in the answer to its `initialize` still holds. */
function isSameServer(told: ServerIdentity, fresh: ServerIdentity): boolean {
  const facts = ({ protocolVersion, capabilities, serverInfo }: ServerIdentity): unknown => [
    protocolVersion,
    capabilities,
    serverInfo,
  ]
  return isDeepStrictEqual(facts(told), facts(fresh))
}

async function requireSuccess(session: UpstreamSession, message: UpstreamMessage, io: ExchangeOptions): Promise<void> {
  const reply = await session.exchange(message, io)
  let succeeded = reply.kind === 'complete' && reply.envelope.result !== undefined
  if (reply.kind === 'stream') {
    await reply.pipe({
      message: (_json, envelope) => {
        if (envelope.kind === 'response') succeeded = envelope.result !== undefined
      },
    })
  }
  if (!succeeded) throw new Error(`the server refused ${message.envelope.method}, which it had accepted before`)
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: result, resolve, reject } = Promise.withResolvers<T>()
  const giveUp = (): void => reject(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  return result
}
