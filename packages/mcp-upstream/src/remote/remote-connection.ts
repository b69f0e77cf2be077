import { UpstreamClosedError } from '../errors.js'
import type {
  Connection,
  ExchangeOptions,
  ServerIdentity,
  SessionInit,
  SessionKey,
  SessionLease,
  Upstream,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import type { BorrowedCall } from './borrowed-call.js'
import type { Borrower, CallOptions } from './borrower.js'
import { fromWireIdentity, type Operation, type Outcome, type Target } from './protocol.js'
import { RemoteSession } from './remote-session.js'

/** A connection of another process. What it asks, that process's own connection answers. */
export class RemoteConnection implements Connection {
  readonly modern: Upstream
  readonly #name: string
  readonly #remote: Borrower
  readonly #calls = new Set<BorrowedCall>()
  readonly #sessions = new Set<RemoteSession>()
  #identity: ServerIdentity | undefined
  #closed = false

  constructor(name: string, remote: Borrower) {
    this.#name = name
    this.#remote = remote
    const target: Target = { connection: name }
    this.modern = { era: 'modern', exchange: (message, options) => this.exchange(target, message, options) }
  }

  get identity(): ServerIdentity | undefined {
    return this.#identity
  }

  async identify({ signal, limits }: ExchangeOptions): Promise<ServerIdentity> {
    if (this.#identity) return this.#identity
    const outcome = await this.ask({ op: 'identify', connection: this.#name, limits }, { signal })
    if (outcome.kind !== 'identity') throw unexpected(outcome)
    this.#identity = fromWireIdentity(outcome.identity)
    return this.#identity
  }

  forget(): void {
    this.#identity = undefined
  }

  async openSession(init: SessionInit, context: string, { signal, limits }: ExchangeOptions): Promise<UpstreamSession> {
    return this.#session({ op: 'open', connection: this.#name, init, context, limits }, signal)
  }

  async leaseSession(key: SessionKey, { signal, limits }: ExchangeOptions): Promise<SessionLease> {
    const session = await this.#session({ op: 'lease', connection: this.#name, key, limits }, signal)
    return { session, release: () => void session.close() }
  }

  /** Ends what was begun through this object; the owner's connection stays open. */
  async close(): Promise<void> {
    this.#closed = true
    for (const call of [...this.#calls]) call.cancel(new UpstreamClosedError({ sent: call.sent }))
    await Promise.all([...this.#sessions].map((session) => session.close()))
  }

  /** One exchange with the stateless upstream or on a session. */
  async exchange(target: Target, ...[message, options]: Parameters<Upstream['exchange']>): Promise<UpstreamReply> {
    const { body, envelope, ...rest } = message
    const { signal, limits } = options
    options.onPhase?.('connecting')
    const operation: Operation = { op: 'exchange', target, envelope, rest, limits }
    const call = this.start(operation, { signal, body, onPhase: (phase) => options.onPhase?.(phase) })
    const opening = await call.opening
    if (opening === 'stream') {
      return { kind: 'stream', pipe: (sink) => call.pipe(sink), cancel: (reason) => call.cancel(reason) }
    }
    const { outcome } = opening
    if (outcome.kind === 'accepted') return { kind: 'accepted' }
    if (outcome.kind !== 'complete') throw unexpected(outcome)
    return { kind: 'complete', json: opening.body, envelope: outcome.envelope, status: outcome.status }
  }

  /** Begins an operation that ends with this connection at the latest. */
  start(operation: Operation, options: CallOptions = {}): BorrowedCall {
    if (this.#closed) throw new UpstreamClosedError()
    const call = this.#remote.start(operation, options)
    this.#calls.add(call)
    void call.settled.then(() => this.#calls.delete(call))
    return call
  }

  /** An operation whose answer is no stream. */
  async ask(operation: Operation, options: CallOptions = {}): Promise<Outcome> {
    const opening = await this.start(operation, options).opening
    if (opening === 'stream') throw new Error('upstream: a stream came where none was asked for')
    return opening.outcome
  }

  async #session(operation: Operation, signal: AbortSignal): Promise<RemoteSession> {
    const outcome = await this.ask(operation, { signal })
    if (outcome.kind !== 'session') throw unexpected(outcome)
    const session = new RemoteSession({
      id: outcome.session,
      identity: fromWireIdentity(outcome.identity),
      sessionId: outcome.sessionId,
      ownsServer: outcome.ownsServer,
      borrower: this.#remote,
      start: (work, watched) => this.start(work, watched),
      exchange: (message, options) => this.exchange({ session: outcome.session }, message, options),
    })
    this.#sessions.add(session)
    session.ended.addEventListener('abort', () => this.#sessions.delete(session), { once: true })
    return session
  }
}

function unexpected(outcome: Outcome): Error {
  return new Error(`upstream: the owner of a connection answered with "${outcome.kind}"`)
}
