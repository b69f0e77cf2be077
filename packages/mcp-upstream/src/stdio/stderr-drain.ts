import { printable } from './printable.js'

/** How much of a child's stderr is kept and shown. */
export const STDERR_KEPT_BYTES: number = 64 * 1024
export const STDERR_KEPT_LINES = 500
export const STDERR_LINES_PER_SECOND = 50
const MAX_LINE_BYTES = 4_096
const NEWLINE = 0x0a

/** Called for each line shown; `dropped` counts the lines left out since the one shown before. */
export type OnStderrLine = (line: string, dropped: number) => void

/**
 * Takes everything that a child writes to stderr (a child whose stderr nobody reads stops after some 180 KB), keeps the
 * end of it and shows a few lines per second. Costs one copy per chunk however much comes: a flood is not decoded.
 */
export class StderrDrain {
  readonly #ring = Buffer.alloc(STDERR_KEPT_BYTES)
  readonly #onLine: OnStderrLine
  readonly #now: () => number
  #written = 0
  #line: Buffer[] = []
  #lineBytes = 0
  #windowStart = Number.NEGATIVE_INFINITY
  #shownInWindow = 0
  #dropped = 0

  constructor(onLine: OnStderrLine, now: () => number) {
    this.#onLine = onLine
    this.#now = now
  }

  /** Lines that were not shown since the last one that was. */
  get droppedLines(): number {
    return this.#dropped
  }

  push(chunk: Buffer): void {
    this.#keep(chunk)
    if (this.#isSilenced()) {
      this.#skip(chunk)
      return
    }
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end))
      this.#finishLine()
      start = end + 1
    }
    this.#hold(chunk.subarray(start))
  }

  /** The stream ended: shows an unfinished last line. */
  end(): void {
    if (this.#lineBytes > 0) this.#finishLine()
  }

  /** The last lines, at most 64 KiB and 500 of them. */
  tail(): string[] {
    const lines = this.#kept().toString('utf8').split('\n')
    if (lines.at(-1) === '') lines.pop()
    return lines.slice(-STDERR_KEPT_LINES)
  }

  #keep(chunk: Buffer): void {
    const kept = chunk.subarray(-STDERR_KEPT_BYTES)
    const at = (this.#written + chunk.length - kept.length) % STDERR_KEPT_BYTES
    const upToEnd = kept.copy(this.#ring, at)
    kept.copy(this.#ring, 0, upToEnd)
    this.#written += chunk.length
  }

  #kept(): Buffer {
    if (this.#written <= STDERR_KEPT_BYTES) return this.#ring.subarray(0, this.#written)
    const at = this.#written % STDERR_KEPT_BYTES
    return Buffer.concat([this.#ring.subarray(at), this.#ring.subarray(0, at)])
  }

  #hold(part: Buffer): void {
    const room = MAX_LINE_BYTES - this.#lineBytes
    if (room <= 0 || part.length === 0) return
    // A copy: a view would keep the whole chunk it came in.
    const taken = Buffer.from(part.subarray(0, room))
    this.#line.push(taken)
    this.#lineBytes += taken.length
  }

  #finishLine(): void {
    const parts = this.#line
    this.#line = []
    this.#lineBytes = 0
    if (parts.length === 0) return
    if (!this.#mayShow()) {
      this.#dropped += 1
      return
    }
    const dropped = this.#dropped
    this.#dropped = 0
    this.#onLine(printable(Buffer.concat(parts), MAX_LINE_BYTES), dropped)
  }

  #mayShow(): boolean {
    if (this.#isSilenced()) return false
    this.#shownInWindow += 1
    return true
  }

  #isSilenced(): boolean {
    const now = this.#now()
    if (now - this.#windowStart >= 1_000) {
      this.#windowStart = now
      this.#shownInWindow = 0
    }
    return this.#shownInWindow >= STDERR_LINES_PER_SECOND
  }

  #skip(chunk: Buffer): void {
    this.#line = []
    this.#lineBytes = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) this.#dropped += 1
  }
}
