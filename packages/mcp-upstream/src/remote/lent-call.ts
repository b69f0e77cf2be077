import type { ReplyEnvelope } from '../envelope.js'
import type { MessageSink, Phase } from '../upstream.js'
import type { FrameWriter } from './frames.js'
import type { Outcome, ToBorrower } from './protocol.js'
import { toWireError } from './wire-error.js'

/** Bytes of a stream that may be on their way before the source is paused. */
const WINDOW_BYTES = 256 * 1024

/** One operation at the owner's side: its signal, its answer, and the window of its stream. */
export class LentCall implements MessageSink {
  readonly #id: number
  readonly #writer: FrameWriter
  readonly #abort = new AbortController()
  readonly #pulled = Promise.withResolvers<void>()
  #underWay = 0
  #room: PromiseWithResolvers<void> | undefined

  constructor(id: number, writer: FrameWriter) {
    this.#id = id
    this.#writer = writer
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  phase(phase: Phase): void {
    this.#send({ type: 'phase', call: this.#id, phase })
  }

  outcome(outcome: Outcome, body?: Buffer): void {
    this.#send({ type: 'outcome', call: this.#id, outcome }, body)
  }

  /** Announces a stream and waits until its reader wants it; rejects with the reason when it never will. */
  async stream(): Promise<void> {
    this.#send({ type: 'stream', call: this.#id })
    await this.#pulled.promise
    this.signal.throwIfAborted()
  }

  message(json: Buffer, envelope: ReplyEnvelope): undefined | Promise<void> {
    this.#send({ type: 'message', call: this.#id, envelope }, json)
    this.#underWay += json.length
    if (this.#underWay <= WINDOW_BYTES || this.signal.aborted) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  end(): void {
    this.#send({ type: 'end', call: this.#id })
  }

  fail(error: unknown): void {
    this.#send({ type: 'error', call: this.#id, error: toWireError(error) })
  }

  pull(): void {
    this.#pulled.resolve()
  }

  taken(bytes: number): void {
    this.#underWay -= bytes
    if (this.#underWay <= WINDOW_BYTES) this.#openRoom()
  }

  cancel(reason: unknown): void {
    this.#abort.abort(reason)
    this.#pulled.resolve()
    this.#openRoom()
  }

  #openRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }

  // Nobody listens to a cancelled call any more.
  #send(frame: ToBorrower, body?: Buffer): void {
    if (!this.signal.aborted) this.#writer.write(frame, body)
  }
}
