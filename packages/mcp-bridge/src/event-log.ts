/** Events kept for a client that comes back (MCP.md rule 6). */
const MAX_EVENTS = 256
const MAX_BYTES = 1024 * 1024

/** Where events go while a client is connected. A returned promise is back pressure. */
export interface EventReader {
  event(id: string, data: Buffer): void | Promise<void>
  end(): void
}

interface LoggedEvent {
  readonly sequence: number
  readonly data: Buffer
}

/**
 * The events of one stream of a legacy session: written whether or not somebody reads, so that a client that lost its
 * connection can go on from the last event it saw (SPEC 2025-11-25 transports, Resumability). Ids are `<stream>.<n>`.
 */
export class EventLog {
  readonly streamId: string
  /** Hears that somebody begins to read. */
  onAttached: (() => void) | undefined
  readonly #events: LoggedEvent[] = []
  #bytes = 0
  #next = 1
  #delivered = 0
  #reader: EventReader | undefined
  /** What was there already is being read: what comes now waits its turn. */
  #replay: { readonly reader: EventReader; readonly done: Promise<void> } | undefined
  #ended = false
  #readToEnd = false

  constructor(streamId: string) {
    this.streamId = streamId
  }

  /** Nothing will be appended any more. */
  get ended(): boolean {
    return this.#ended
  }

  /** Bytes kept for a client that comes back. */
  get bytes(): number {
    return this.#bytes
  }

  /** Ended while somebody was reading: everything was written to a connection that was open. */
  get readToEnd(): boolean {
    return this.#readToEnd
  }

  /** Somebody reads now. */
  get attached(): boolean {
    return this.#reader !== undefined
  }

  /** The id of a priming event: a client that has seen nothing else resumes from here. */
  get primingId(): string {
    return `${this.streamId}.0`
  }

  /** The last event that some reader was given; 0 before the first. */
  get deliveredSequence(): number {
    return this.#delivered
  }

  /** True if everything after `sequence` is still here. */
  reaches(sequence: number): boolean {
    const [first] = this.#events
    return sequence < this.#next && !(first && first.sequence > sequence + 1)
  }

  append(data: Buffer): void | Promise<void> {
    if (this.#ended) return undefined
    const event = { sequence: this.#next++, data }
    this.#events.push(event)
    this.#bytes += data.length
    while (this.#events.length > MAX_EVENTS || (this.#bytes > MAX_BYTES && this.#events.length > 1)) this.#drop()
    if (!this.#reader) return undefined
    // A replay goes on to the newest event by itself.
    if (this.#replay) return this.#replay.done
    this.#delivered = event.sequence
    return this.#reader.event(`${this.streamId}.${event.sequence}`, data)
  }

  end(): void {
    this.#ended = true
    // A replay ends its reader when it has handed over the last event.
    if (this.#replay) return
    this.#readToEnd ||= this.#reader !== undefined
    this.#reader?.end()
    this.#reader = undefined
  }

  /**
   * Replays what came after `sequence` and goes on live; replaces a reader that is still there.
   * False when events between have been dropped: a silent gap is worse than a new start.
   */
  async attach(reader: EventReader, sequence: number): Promise<boolean> {
    if (!this.reaches(sequence)) return false
    this.#reader?.end()
    this.#reader = reader
    this.onAttached?.()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#replay = { reader, done: promise }
    try {
      await this.#readUp(reader, sequence)
    } finally {
      resolve()
    }
    return true
  }

  detach(reader: EventReader): void {
    if (this.#reader === reader) this.#reader = undefined
    if (this.#replay?.reader === reader) this.#replay = undefined
  }

  /** Hands over what is kept after `sequence`, in order, and what comes meanwhile; stops for another reader. */
  async #readUp(reader: EventReader, sequence: number): Promise<void> {
    let last = sequence
    for (;;) {
      if (this.#reader !== reader) return
      const next = this.#events.find((known) => known.sequence > last)
      if (next === undefined) return this.#caughtUp(reader)
      // Dropped while the reader was slow: a silent gap is worse than a new start.
      if (next.sequence > last + 1 && last > sequence) return this.#leave(reader)
      last = next.sequence
      this.#delivered = last
      await reader.event(`${this.streamId}.${last}`, next.data)
    }
  }

  /** From here on events are handed over as they come; nothing may come between the last look and this. */
  #caughtUp(reader: EventReader): void {
    this.#replay = undefined
    if (!this.#ended) return
    this.#readToEnd = true
    this.#leave(reader)
  }

  #leave(reader: EventReader): void {
    this.detach(reader)
    reader.end()
  }

  #drop(): void {
    const dropped = this.#events.shift()
    this.#bytes -= dropped?.data.length ?? 0
  }
}

/** Takes an event id apart; undefined for one that no log of ours made. */
export function parseEventId(id: string): { streamId: string; sequence: number } | undefined {
  const match = /^([A-Za-z0-9_-]{1,32})\.(\d{1,12})$/.exec(id)
  return match?.[1] && match[2] ? { streamId: match[1], sequence: Number(match[2]) } : undefined
}
