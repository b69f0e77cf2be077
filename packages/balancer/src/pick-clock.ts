/** The injected clock, read at most once per operation and only if somebody asks: most policies never do. */
export class PickClock {
  readonly #now: () => number
  #nowMs = 0
  #read = false

  constructor(now: () => number) {
    this.#now = now
  }

  get nowMs(): number {
    if (!this.#read) {
      this.#nowMs = this.#now()
      this.#read = true
    }
    return this.#nowMs
  }

  /** A new operation begins: the next reading asks the clock again. */
  restart(): void {
    this.#read = false
  }
}
