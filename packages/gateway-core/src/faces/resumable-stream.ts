import type { EventLog, EventReader } from '@mcp-platform/mcp-bridge'
import { EventStream } from './event-stream.js'
import { callHeaders } from './headers.js'
import type { NativeExchange } from './native-exchange.js'

/** Clients of this version know priming events: an id with no data, from which they may resume (SEP-1699). */
const PRIMED_VERSION = '2025-11-25'

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
    const stream = new EventStream(this.#exchange.response, callHeaders(this.#exchange))
    this.#stream = stream
    this.#exchange.response.once('close', () => this.#log.detach(this))
    if (this.#primed && sequence === 0) stream.prime(this.#log.primingId)
    return this.#log.attach(this, sequence)
  }

  event(id: string, data: Buffer): void | Promise<void> {
    return this.#stream?.sendWithId(id, data)
  }

  end(): void {
    this.#stream?.end()
  }
}
