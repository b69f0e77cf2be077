/** Log lines on their way to the primary, those of one turn of the event loop together. */
export class LogBatch {
  readonly #send: (lines: readonly string[]) => void
  #lines: string[] = []

  constructor(send: (lines: readonly string[]) => void) {
    this.#send = send
  }

  /** Takes a finished line; it is sent when this turn of the event loop is over. */
  write(line: string): void {
    if (this.#lines.length === 0) setImmediate(() => this.#flush())
    this.#lines.push(line)
  }

  #flush(): void {
    const lines = this.#lines
    this.#lines = []
    this.#send(lines)
  }
}
