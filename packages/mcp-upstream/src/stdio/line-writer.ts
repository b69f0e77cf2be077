import type { Writable } from 'node:stream'
import { UpstreamBusyError } from '../errors.js'

/** Bytes that may wait for a child that does not read. */
export const MAX_QUEUED_BYTES: number = 8 * 1024 * 1024

/** Observes the way of one line. */
export interface LineProgress {
  /** Just before the first byte goes to the pipe: from now on the child may have seen it. */
  onWrite?(): void
  /** Once: the pipe took it, or it never will (`error`). Not called for a line that was withdrawn. */
  onSettled?(error: Error | undefined): void
}

/** One line on its way. */
export interface WriteTicket {
  /** Takes the line back. False if it is too late: the child may have seen it. */
  withdraw(): boolean
}

interface Entry {
  readonly line: Buffer
  readonly progress: LineProgress
  state: 'queued' | 'written' | 'settled'
}

/**
 * The only writer of a child's stdin. While the pipe is full, lines wait here, where they can still be withdrawn, and
 * count as not sent. Does not wait for `drain` alone: it never comes when the child dies, so the owner calls `close`.
 */
export class LineWriter {
  readonly #pipe: Writable
  readonly #maxQueuedBytes: number
  #queue: Entry[] = []
  readonly #unsettled = new Set<Entry>()
  #bytes = 0
  #closed: Error | undefined

  constructor(pipe: Writable, maxQueuedBytes: number = MAX_QUEUED_BYTES) {
    this.#pipe = pipe
    this.#maxQueuedBytes = maxQueuedBytes
    pipe.on('drain', () => this.#flush())
    pipe.on('error', (error) => this.close(error))
  }

  /** Bytes that the pipe has not taken yet. */
  get queuedBytes(): number {
    return this.#bytes
  }

  /**
   * Sends one line; its newline must be part of it.
   * @throws UpstreamBusyError if more than the bound would wait: nothing was sent.
   */
  write(line: Buffer, progress: LineProgress = {}): WriteTicket {
    if (!this.hasRoomFor(line)) throw new UpstreamBusyError({ bound: 'write_queue', limit: this.#maxQueuedBytes })
    const entry: Entry = { line, progress, state: 'queued' }
    this.#unsettled.add(entry)
    this.#bytes += line.length
    if (this.#closed) this.#settle(entry, this.#closed)
    else if (this.#queue.length > 0 || this.#pipe.writableNeedDrain) this.#queue.push(entry)
    else this.#hand(entry)
    return { withdraw: () => this.#withdraw(entry) }
  }

  hasRoomFor(line: Buffer): boolean {
    return this.#bytes + line.length <= this.#maxQueuedBytes
  }

  /** The child is gone: everything unsettled fails with `error`, as does everything after. Idempotent. */
  close(error: Error): void {
    this.#closed ??= error
    this.#queue = []
    for (const entry of this.#unsettled) this.#settle(entry, error)
  }

  #flush(): void {
    while (this.#queue.length > 0 && !this.#pipe.writableNeedDrain) {
      const entry = this.#queue.shift()
      if (entry) this.#hand(entry)
    }
  }

  #hand(entry: Entry): void {
    entry.state = 'written'
    entry.progress.onWrite?.()
    this.#pipe.write(entry.line, (error) => this.#settle(entry, error ?? undefined))
  }

  #settle(entry: Entry, error: Error | undefined): void {
    if (!this.#forget(entry)) return
    entry.progress.onSettled?.(error)
  }

  #withdraw(entry: Entry): boolean {
    if (entry.state !== 'queued') return false
    this.#queue = this.#queue.filter((other) => other !== entry)
    return this.#forget(entry)
  }

  #forget(entry: Entry): boolean {
    if (!this.#unsettled.delete(entry)) return false
    entry.state = 'settled'
    this.#bytes -= entry.line.length
    return true
  }
}
