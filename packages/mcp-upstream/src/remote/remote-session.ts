import type {
  ExchangeOptions,
  MessageSink,
  ServerIdentity,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import type { Borrower } from './borrower.js'

export interface RemoteSessionOptions {
  readonly id: number
  readonly identity: ServerIdentity
  readonly sessionId: string | undefined
  readonly ownsServer: boolean
  readonly borrower: Borrower
  /** Operations that end with the connection. */
  readonly start: Borrower['start']
  readonly exchange: UpstreamSession['exchange']
}

/** A session that another process holds open. */
export class RemoteSession implements UpstreamSession {
  readonly era = 'legacy'
  readonly identity: ServerIdentity
  readonly sessionId: string | undefined
  readonly ownsServer: boolean
  readonly #options: RemoteSessionOptions
  readonly #ended = new AbortController()
  #closing: Promise<void> | undefined

  constructor(options: RemoteSessionOptions) {
    this.#options = options
    this.identity = options.identity
    this.sessionId = options.sessionId
    this.ownsServer = options.ownsServer
    options.borrower.onSessionEnd(options.id, () => this.#ended.abort())
  }

  get ended(): AbortSignal {
    return this.#ended.signal
  }

  exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply> {
    return this.#options.exchange(message, options)
  }

  async listen(sink: MessageSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.ended.aborted) return
    const over = AbortSignal.any([signal, this.ended])
    const call = this.#options.start({ op: 'listen', session: this.#options.id }, { signal: over })
    try {
      await call.read(sink)
    } catch (error) {
      if (!over.aborted) throw error
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { id, borrower } = this.#options
    borrower.forgetSession(id)
    this.#ended.abort()
    try {
      await borrower.start({ op: 'close', session: id }).opening
    } catch {
      // The owner is gone, and the session with it.
    }
  }
}
