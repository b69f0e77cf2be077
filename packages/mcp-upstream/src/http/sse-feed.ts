import { type SseEvent, SseParser } from '../sse/parser.js'
import { type InboxOwner, MessageInbox } from './message-inbox.js'

/** How an event stream is read. */
export interface SseFeedOptions extends InboxOwner {
  readonly maxEventBytes: number
  /** An event of another type than `message`. */
  onOther?: ((event: string, data: Buffer) => void) | undefined
}

/**
 * Messages out of an event stream that may break off and be resumed: it remembers the last event id and the wait
 * that the server asked for. Each connection begins with {@link SseFeed.open}.
 */
export class SseFeed {
  readonly #options: SseFeedOptions
  #inbox: MessageInbox
  #parser: SseParser
  /** Of the last event that had one. */
  lastEventId: string | undefined
  /** From `retry:`, in milliseconds. */
  retryMs: number | undefined
  /** Events of this connection. */
  events = 0
  #isAnswered = false

  constructor(options: SseFeedOptions) {
    this.#options = options
    this.#inbox = new MessageInbox(options)
    this.#parser = this.#newParser()
  }

  /** A new connection: what was half read of the last one is gone. */
  open(): void {
    this.events = 0
    this.#isAnswered = false
    this.#inbox = new MessageInbox(this.#options)
    this.#parser = this.#newParser()
  }

  /** The head of this connection came, and it is an event stream. */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  answered(): void {
    this.#isAnswered = true
  }

  /** @throws UpstreamAnswerTooLargeError */
  push(chunk: Buffer): void {
    this.#parser.push(chunk)
  }

  end(): void {
    this.#inbox.end()
  }

  close(): void {
    this.#inbox.close()
  }

  #newParser(): SseParser {
    return new SseParser({
      maxEventBytes: this.#options.maxEventBytes,
      onEvent: (event) => this.#take(event),
      onRetry: (ms) => {
        this.retryMs = ms
      },
    })
  }

  #take(event: SseEvent): void {
    this.events += 1
    if (event.id !== undefined) this.lastEventId = event.id
    if (event.event !== undefined && event.event !== 'message') this.#options.onOther?.(event.event, event.data)
    // An event without data only primes the stream with an id.
    else if (event.data.length > 0) this.#inbox.push(event.data)
  }
}
