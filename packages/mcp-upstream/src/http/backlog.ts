/** What may wait for slow readers of one stream before the stream is paused, as much as on a pipe. */
const MAX_MESSAGES = 1_000
const MAX_BYTES: number = 4 * 1024 * 1024

/** The stream behind a {@link Backlog}. */
export interface Pausable {
  pause(): void
  resume(): void
}

/**
 * Counts what waits for the readers of one stream that carries the answers of many exchanges. One reader that hesitates
 * must not stop the others, and one that never reads must not fill the memory: the stream pauses at a bound.
 */
export class Backlog {
  readonly #stream: Pausable
  #messages = 0
  #bytes = 0
  #isFull = false

  constructor(stream: Pausable) {
    this.#stream = stream
  }

  /** The stream is paused: its silence is ours. */
  get isFull(): boolean {
    return this.#isFull
  }

  add(bytes: number): void {
    this.#messages += 1
    this.#bytes += bytes
    if (this.#isFull || (this.#messages <= MAX_MESSAGES && this.#bytes <= MAX_BYTES)) return
    this.#isFull = true
    this.#stream.pause()
  }

  remove(messages: number, bytes: number): void {
    this.#messages -= messages
    this.#bytes -= bytes
    if (!this.#isFull || this.#messages > MAX_MESSAGES / 2 || this.#bytes > MAX_BYTES / 2) return
    this.#isFull = false
    this.#stream.resume()
  }
}

/** The part of a backlog that waits for one reader. */
export class BacklogShare {
  readonly #backlog: Backlog
  #messages = 0
  #bytes = 0

  constructor(backlog: Backlog) {
    this.#backlog = backlog
  }

  put(bytes: number): void {
    this.#messages += 1
    this.#bytes += bytes
    this.#backlog.add(bytes)
  }

  /** The reader was given a message; one that was given back before counts no more. */
  taken(bytes: number): void {
    if (this.#messages === 0) return
    this.#messages -= 1
    this.#bytes -= bytes
    this.#backlog.remove(1, bytes)
  }

  /** Nobody will read the rest. */
  drop(): void {
    const [messages, bytes] = [this.#messages, this.#bytes]
    this.#messages = 0
    this.#bytes = 0
    this.#backlog.remove(messages, bytes)
  }
}
