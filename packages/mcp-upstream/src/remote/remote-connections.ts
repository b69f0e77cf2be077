import type { Duplex } from 'node:stream'
import { UpstreamClosedError, UpstreamResetError } from '../errors.js'
import type { Connection } from '../upstream.js'
import { BorrowedCall } from './borrowed-call.js'
import type { Borrower, CallOptions } from './borrower.js'
import { FrameReader, FrameWriter } from './frames.js'
import type { Operation, ToBorrower, ToOwner } from './protocol.js'
import { RemoteConnection } from './remote-connection.js'
import { fromWireError } from './wire-error.js'

/**
 * Connections that live in another process, over one stream of bytes whose other end is served by `serveConnections`.
 * Operations run side by side. When the stream ends, everything in flight fails and every session is over.
 */
export class RemoteConnections implements Borrower {
  /** Resolves when the stream has ended. */
  readonly closed: Promise<void>
  readonly #stream: Duplex
  readonly #writer: FrameWriter
  readonly #calls = new Map<number, BorrowedCall>()
  readonly #sessions = new Map<number, () => void>()
  #lastCall = 0
  #isClosed = false

  constructor(stream: Duplex) {
    this.#stream = stream
    this.#writer = new FrameWriter(stream)
    const reader = new FrameReader((head, body) => this.#onFrame(head as ToBorrower, body))
    stream.on('data', (chunk: Buffer) => reader.push(chunk))
    // The end of the stream says all that there is to say about an error of it.
    stream.on('error', () => stream.destroy())
    this.closed = new Promise((resolve) => stream.once('close', resolve))
    stream.once('close', () => this.#onClose())
  }

  /** The connection that the owner knows by this name. Closing it ends only what was begun through it. */
  connection(name: string): Connection {
    return new RemoteConnection(name, this)
  }

  start(operation: Operation, { signal, body, onPhase }: CallOptions = {}): BorrowedCall {
    signal?.throwIfAborted()
    if (this.#isClosed) throw new UpstreamClosedError()
    this.#lastCall += 1
    const id = this.#lastCall
    const call = new BorrowedCall({
      id,
      signal,
      ...(onPhase === undefined ? {} : { onPhase }),
      send: (frame) => this.#send(frame),
      onSettled: () => this.#calls.delete(id),
    })
    this.#calls.set(id, call)
    this.#send({ type: 'call', call: id, operation }, body)
    return call
  }

  onSessionEnd(session: number, ended: () => void): void {
    if (this.#isClosed) ended()
    else this.#sessions.set(session, ended)
  }

  forgetSession(session: number): void {
    this.#sessions.delete(session)
  }

  close(): void {
    this.#stream.destroy()
  }

  #onFrame(frame: ToBorrower, body: Buffer): void {
    if (frame.type === 'ended') {
      this.#sessions.get(frame.session)?.()
      return
    }
    const call = this.#calls.get(frame.call)
    if (call === undefined) this.#onUnwanted(frame)
    else deliver(call, frame, body)
  }

  // The caller gave up while its session was on its way: nobody else would close it.
  #onUnwanted(frame: ToBorrower): void {
    if (frame.type !== 'outcome' || frame.outcome.kind !== 'session') return
    this.start({ op: 'close', session: frame.outcome.session })
  }

  #send(frame: ToOwner, body?: Buffer): void {
    this.#writer.write(frame, body)
  }

  #onClose(): void {
    this.#isClosed = true
    for (const call of [...this.#calls.values()]) call.fail(new UpstreamResetError({ sent: call.sent }))
    for (const ended of this.#sessions.values()) ended()
    this.#sessions.clear()
  }
}

function deliver(call: BorrowedCall, frame: Exclude<ToBorrower, { type: 'ended' }>, body: Buffer): void {
  switch (frame.type) {
    case 'phase':
      call.onPhase(frame.phase)
      return
    case 'outcome':
      call.onOutcome(frame.outcome, body)
      return
    case 'stream':
      call.onStream()
      return
    case 'message':
      call.onMessage(body, frame.envelope)
      return
    case 'end':
      call.onEnd()
      return
    case 'error':
      call.fail(fromWireError(frame.error))
  }
}
