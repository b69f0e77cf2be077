/** A call that has been silent for this long may well wait for the answer, in milliseconds. */
const QUIET_MS = 1_000
/** A call that goes on talking may wait for it all the same, in milliseconds. */
const MAX_LATE_MS = 10_000

/**
 * Questions that may have nothing to do with the call that is under way: many servers ask for roots as soon as a session
 * opens. To put such a question ends the client's request, and a client that asks for no progress in its retry (SDK 2.x)
 * hears none from then on. So they wait until the call falls silent, has talked for long, or is answered.
 */
export class LateQuestions<T> {
  readonly #put: (questions: readonly T[]) => void
  #waiting: T[] = []
  #since = 0
  #timer: NodeJS.Timeout | undefined

  /** `put` is told the questions whose time has come, in the order in which they were asked. */
  constructor(put: (questions: readonly T[]) => void) {
    this.#put = put
  }

  add(question: T): void {
    if (this.#waiting.length === 0) this.#since = performance.now()
    this.#waiting.push(question)
    this.talked()
  }

  /** The call has said something, so it does not wait for an answer. */
  talked(): void {
    if (this.#waiting.length === 0) return
    const left = this.#since + MAX_LATE_MS - performance.now()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.flush(), Math.max(0, Math.min(QUIET_MS, left))).unref()
  }

  /** Puts them now. */
  flush(): void {
    clearTimeout(this.#timer)
    const due = this.#waiting
    this.#waiting = []
    if (due.length > 0) this.#put(due)
  }

  /** Nobody is there to answer any more. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#waiting = []
  }
}
