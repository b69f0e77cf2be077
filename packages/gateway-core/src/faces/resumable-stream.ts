import type { EventLog, EventReader } from '@mcp-platform/mcp-bridge'
import { EventStream } from './event-stream.js'
import { callHeaders } from './headers.js'
import type { NativeExchange } from './native-exchange.js'

/** Clients of this version know priming events: an id with no data, from which they may resume (SEP-1699). */
const PRIMED_VERSION = '2025-11-25'
/** How long a client waits before it asks for the rest of a closed stream, in milliseconds. */
const RETRY_MS = 500

/** One HTTP response that reads an event log: attached when there is something to stream, detached when the client goes. */
export class ResumableStream implements EventReader {
  readonly #exchange: NativeExchange
  readonly #log: EventLog
  readonly #primed: boolean
  #stream: EventStream | undefined

  constructor(exchange: NativeExchange, log: EventLog, protocolVersion: string) {
    this.#exchange = exchange
    this.#log = log
    this.#primed = protocolVersion >= PRIMED_VERSION
  }

  /** The head is out: errors can only be events now. */
  get opened(): boolean {
    return this.#stream !== undefined
  }

  /** Opens the response as an event stream and reads from `sequence` on. False if events in between are gone. */
  async attach(sequence: number): Promise<boolean> {
    if (this.#stream) return true
    if (!this.#log.reaches(sequence)) return false
    const { response, context } = this.#exchange
    const stream = new EventStream(response, callHeaders(this.#exchange), context)
    this.#stream = stream
    this.#exchange.response.once('close', () => this.#log.detach(this))
    const isResumed = this.#exchange.header('last-event-id') !== undefined
    if (this.#primed && !isResumed) stream.prime(this.#log.primingId, RETRY_MS)
    return this.#log.attach(this, sequence)
  }

  /** Whether the client knows how to come back for the rest of an answer, so that a stream is better than plain JSON. */
  get isPolled(): boolean {
    return this.#primed && (this.#exchange.header('accept')?.includes('text/event-stream') ?? false)
  }

  /** Closes the response while the log goes on: the client comes back for the rest (SEP-1699). */
  async interrupt(): Promise<void> {
    if (!this.isPolled) return
    await this.attach(0)
    this.#log.detach(this)
    this.#stream?.end()
  }

  event(id: string, data: Buffer): void | Promise<void> {
    return this.#stream?.sendWithId(id, data)
  }

  end(): void {
    this.#stream?.end()
  }
}
