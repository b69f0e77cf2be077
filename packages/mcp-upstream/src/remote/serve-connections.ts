import type { Duplex } from 'node:stream'
import { UpstreamClosedError, UpstreamSessionLostError } from '../errors.js'
import type {
  ExchangeOptions,
  SessionLease,
  Upstream,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '../upstream.js'
import { FrameReader, FrameWriter } from './frames.js'
import { LentCall } from './lent-call.js'
import { type Operation, type ToBorrower, type ToOwner, toWireIdentity } from './protocol.js'
import type { SharedConnection } from './shared-connection.js'

export interface ServeConnectionsOptions {
  /** The connection of that name; undefined for one that is not there (any more). */
  find(name: string): SharedConnection | undefined
}

/** One borrower at the owner's side. */
export interface ConnectionLender {
  /** Resolves when the borrower is gone and everything it had was cancelled, closed and given back. */
  readonly closed: Promise<void>
  close(): void
}

/**
 * Lends connections to another process over one stream of bytes, whose other end is a `RemoteConnections`.
 * When the stream ends, what its borrower had in flight is cancelled, its sessions are closed and its leases released;
 * connections and children stay.
 */
export function serveConnections(stream: Duplex, options: ServeConnectionsOptions): ConnectionLender {
  const lender = new Lender(stream, options)
  return { closed: lender.closed, close: () => stream.destroy() }
}

interface LentSession {
  readonly session: UpstreamSession
  readonly connection: SharedConnection
  giveBack(): void | Promise<void>
}

class Lender {
  readonly closed: Promise<void>
  readonly #options: ServeConnectionsOptions
  readonly #writer: FrameWriter
  readonly #calls = new Map<number, LentCall>()
  readonly #sessions = new Map<number, LentSession>()
  #lastSession = 0

  constructor(stream: Duplex, options: ServeConnectionsOptions) {
    this.#options = options
    this.#writer = new FrameWriter(stream)
    const reader = new FrameReader((head, body) => this.#onFrame(head as ToOwner, body))
    stream.on('data', (chunk: Buffer) => reader.push(chunk))
    // The end of the stream says all that there is to say about an error of it.
    stream.on('error', () => stream.destroy())
    this.closed = new Promise((resolve) => {
      stream.once('close', () => void this.#release().then(resolve))
    })
  }

  #onFrame(frame: ToOwner, body: Buffer): void {
    if (frame.type === 'call') {
      void this.#serve(frame.call, frame.operation, body)
      return
    }
    const call = this.#calls.get(frame.call)
    if (frame.type === 'pull') call?.pull()
    else if (frame.type === 'taken') call?.taken(frame.bytes)
    else call?.cancel(new UpstreamClosedError({ sent: true }))
  }

  async #serve(id: number, operation: Operation, body: Buffer): Promise<void> {
    const call = new LentCall(id, this.#writer)
    this.#calls.set(id, call)
    try {
      await this.#run(call, operation, body)
    } catch (error) {
      call.fail(error)
    } finally {
      this.#calls.delete(id)
    }
  }

  #run(call: LentCall, operation: Operation, body: Buffer): Promise<void> {
    switch (operation.op) {
      case 'identify':
        return this.#identify(call, operation)
      case 'exchange':
        return this.#exchange(call, operation, body)
      case 'open':
        return this.#open(call, operation)
      case 'lease':
        return this.#lease(call, operation)
      case 'listen':
        return this.#listen(call, operation.session)
      case 'close':
        return this.#close(call, operation.session)
    }
  }

  async #identify(call: LentCall, { connection, limits }: Operation & { op: 'identify' }): Promise<void> {
    const identity = await this.#require(connection).identify({ signal: call.signal, limits })
    call.outcome({ kind: 'identity', identity: toWireIdentity(identity) })
  }

  async #exchange(call: LentCall, operation: Operation & { op: 'exchange' }, body: Buffer): Promise<void> {
    const { target, envelope, rest, limits } = operation
    const message: UpstreamMessage = { ...rest, body, envelope }
    const { upstream, connection } = this.#target(target)
    const options = { signal: call.signal, limits, onPhase: call.phase.bind(call) }
    if (!countsAsInFlight(message)) return answer(call, upstream, message, options)
    const entered = connection.enter(call.signal)
    const leave = typeof entered === 'function' ? entered : await entered
    try {
      await answer(call, upstream, message, options)
    } finally {
      leave()
    }
  }

  async #open(call: LentCall, { connection, init, context, limits }: Operation & { op: 'open' }): Promise<void> {
    const owner = this.#require(connection)
    const session = await owner.openSession(init, context, { signal: call.signal, limits })
    await this.#lend(call, { session, connection: owner, giveBack: () => session.close() })
  }

  async #lease(call: LentCall, { connection, key, limits }: Operation & { op: 'lease' }): Promise<void> {
    const owner = this.#require(connection)
    const lease: SessionLease = await owner.leaseSession(key, { signal: call.signal, limits })
    await this.#lend(call, { session: lease.session, connection: owner, giveBack: () => lease.release() })
  }

  // A borrower that gave up meanwhile will never close it.
  async #lend(call: LentCall, lent: LentSession): Promise<void> {
    if (call.signal.aborted) return lent.giveBack()
    this.#lastSession += 1
    const id = this.#lastSession
    const { session } = lent
    this.#sessions.set(id, lent)
    call.outcome({
      kind: 'session',
      session: id,
      identity: toWireIdentity(session.identity),
      sessionId: session.sessionId,
      ownsServer: session.ownsServer === true,
    })
    const onEnded = (): void => this.#send({ type: 'ended', session: id })
    if (session.ended.aborted) onEnded()
    else session.ended.addEventListener('abort', onEnded, { once: true })
  }

  async #listen(call: LentCall, id: number): Promise<void> {
    await this.#requireSession(id).session.listen(call, call.signal)
    call.end()
  }

  async #close(call: LentCall, id: number): Promise<void> {
    const lent = this.#sessions.get(id)
    this.#sessions.delete(id)
    await lent?.giveBack()
    call.outcome({ kind: 'done' })
  }

  #target(target: (Operation & { op: 'exchange' })['target']): { upstream: Upstream; connection: SharedConnection } {
    if ('session' in target) {
      const { session, connection } = this.#requireSession(target.session)
      return { upstream: session, connection }
    }
    const connection = this.#require(target.connection)
    return { upstream: connection.modern, connection }
  }

  #require(name: string): SharedConnection {
    const connection = this.#options.find(name)
    if (connection === undefined) throw new UpstreamClosedError()
    return connection
  }

  #requireSession(id: number): LentSession {
    const lent = this.#sessions.get(id)
    if (lent === undefined) throw new UpstreamSessionLostError({ sent: false })
    return lent
  }

  #send(frame: ToBorrower): void {
    this.#writer.write(frame)
  }

  async #release(): Promise<void> {
    for (const call of this.#calls.values()) call.cancel(new UpstreamClosedError({ sent: true }))
    const lent = [...this.#sessions.values()]
    this.#sessions.clear()
    await Promise.all(lent.map((session) => session.giveBack()))
  }
}

// An answer to a question of the server must get through however busy it is; a subscription lasts and costs nothing.
function countsAsInFlight({ envelope }: UpstreamMessage): boolean {
  return envelope.kind === 'request' && envelope.method !== 'subscriptions/listen'
}

async function answer(
  call: LentCall,
  upstream: Upstream,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<void> {
  const reply = await upstream.exchange(message, options)
  if (reply.kind === 'stream') await relay(call, reply)
  else if (reply.kind === 'accepted') call.outcome({ kind: 'accepted' })
  else call.outcome({ kind: 'complete', envelope: reply.envelope, status: reply.status }, reply.json)
}

async function relay(call: LentCall, reply: UpstreamReply & { kind: 'stream' }): Promise<void> {
  try {
    await call.stream()
  } catch (error) {
    reply.cancel(error)
    throw error
  }
  await reply.pipe(call)
  call.end()
}
