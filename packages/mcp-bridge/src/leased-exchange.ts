import type {
  Connection,
  ExchangeOptions,
  MessageSink,
  ReplyEnvelope,
  SessionKey,
  SessionLease,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '@mcp-platform/mcp-upstream'
import { answerServer, askedId, capabilityFor, mayAsk, missingCapability, PONG, REFUSAL } from './asking.js'
import { wantsLog } from './log-level.js'
import { setUpstreamLevel } from './upstream-level.js'

type StreamReply = UpstreamReply & { readonly kind: 'stream' }

/** One exchange on a pooled session, for a caller that cannot be asked back. */
export interface LeasedExchange {
  readonly connection: Connection
  readonly key: SessionKey
  readonly message: UpstreamMessage
  readonly options: ExchangeOptions
  /** Log notifications of this level and above pass; undefined: none do. */
  readonly logLevel: string | undefined
}

/**
 * Exchanges on a pooled session and gives it back when the answer's body has ended. A server that asks back although
 * nobody declared that it may is refused, and the caller gets -32021.
 */
export async function leasedExchange(init: LeasedExchange): Promise<UpstreamReply> {
  const { connection, message, options, logLevel } = init
  const key = logLevel === undefined ? init.key : { ...init.key, exclusive: true }
  const lease = await connection.leaseSession(key, { signal: options.signal, limits: options.limits })
  let reply: UpstreamReply
  try {
    await setUpstreamLevel(lease.session, logLevel, options)
    reply = await lease.session.exchange(message, options)
  } catch (error) {
    lease.release()
    throw error
  }
  if (reply.kind === 'stream') return releasedAtEnd(new RefusingStream(init, lease.session, reply), lease)
  lease.release()
  return reply
}

// Passes an answer on, but for questions, which it refuses, and log lines that nobody wants.
class RefusingStream {
  readonly #init: LeasedExchange
  readonly #session: UpstreamSession
  readonly #reply: StreamReply
  #missing: string | undefined

  constructor(init: LeasedExchange, session: UpstreamSession, reply: StreamReply) {
    this.#init = init
    this.#session = session
    this.#reply = reply
  }

  cancel(reason: unknown): void {
    this.#reply.cancel(reason)
  }

  async pipe(sink: MessageSink): Promise<void> {
    try {
      await this.#reply.pipe({ message: (json, envelope) => this.#take(json, envelope, sink) })
    } catch (error) {
      if (this.#missing === undefined) throw error
    }
    if (this.#missing === undefined) return
    const { json, envelope } = missingCapability(this.#init.message, this.#missing)
    await sink.message(json, envelope)
  }

  #take(json: Buffer, envelope: ReplyEnvelope, sink: MessageSink): void | Promise<void> {
    if (this.#missing !== undefined) return undefined
    if (envelope.kind === 'request') return this.#refuse(json, envelope)
    if (envelope.method === 'notifications/message' && !wantsLog(json, this.#init.logLevel)) return undefined
    return sink.message(json, envelope)
  }

  async #refuse(json: Buffer, envelope: ReplyEnvelope): Promise<void> {
    const outcome = envelope.method === 'ping' ? PONG : REFUSAL
    await answerServer(this.#session, askedId(json, envelope), outcome, this.#init.options)
    const capability = capabilityFor(envelope.method)
    // Servers ask for roots as soon as a session opens, whatever the first request in it is: that is not about a list.
    if (capability === undefined || !mayAsk(this.#init.message.envelope.method)) return
    this.#missing = capability
    this.#reply.cancel(new Error('the caller cannot be asked back'))
  }
}

function releasedAtEnd(stream: RefusingStream, lease: SessionLease): UpstreamReply {
  return {
    kind: 'stream',
    async pipe(sink) {
      try {
        await stream.pipe(sink)
      } finally {
        lease.release()
      }
    },
    cancel(reason) {
      stream.cancel(reason)
      lease.release()
    },
  }
}
