import type { GatewayEventWire } from '@mcp-platform/contract'

/** Events kept for one reader that is behind; what comes on top is dropped and counted. */
const MAX_WAITING = 1_000

/** Hands the events of `GET /gateway/events` to its readers. A slow reader loses events, never holds anybody up. */
export class EventHub {
  readonly #readers = new Set<EventReader>()
  readonly #now: () => Date
  #closed = false

  constructor(options: { readonly now?: (() => Date) | undefined } = {}) {
    this.#now = options.now ?? (() => new Date())
  }

  publish(event: GatewayEventWire): void {
    for (const reader of this.#readers) reader.push(event)
  }

  /** Events from now on, until the signal aborts or the hub closes. `wants` says which. */
  read(signal: AbortSignal, wants: (event: GatewayEventWire) => boolean): AsyncIterable<GatewayEventWire> {
    const reader = new EventReader(wants, this.#now, () => this.#readers.delete(reader))
    if (this.#closed || signal.aborted) reader.end()
    else this.#readers.add(reader)
    signal.addEventListener('abort', () => reader.end(), { once: true })
    return reader
  }

  /** Ends every stream. */
  close(): void {
    this.#closed = true
    for (const reader of [...this.#readers]) reader.end()
  }
}

class EventReader implements AsyncIterable<GatewayEventWire> {
  readonly #wants: (event: GatewayEventWire) => boolean
  readonly #now: () => Date
  readonly #onEnd: () => void
  readonly #waiting: GatewayEventWire[] = []
  #missed = 0
  #ended = false
  #wake: (() => void) | undefined

  constructor(wants: (event: GatewayEventWire) => boolean, now: () => Date, onEnd: () => void) {
    this.#wants = wants
    this.#now = now
    this.#onEnd = onEnd
  }

  push(event: GatewayEventWire): void {
    if (!this.#wants(event)) return
    if (this.#waiting.length >= MAX_WAITING) this.#missed++
    else this.#waiting.push(event)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#onEnd()
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GatewayEventWire> {
    try {
      for (;;) {
        const event = this.#next()
        if (event !== undefined) yield event
        else if (this.#ended) return
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.end()
    }
  }

  #next(): GatewayEventWire | undefined {
    const event = this.#waiting.shift()
    if (event !== undefined || this.#missed === 0) return event
    const count = this.#missed
    this.#missed = 0
    return { type: 'events_missed', at: this.#now().toISOString(), count }
  }
}
