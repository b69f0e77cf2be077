/** Does something again and again, one run after the other. Unref'd: it keeps no process alive. */
export class Routine {
  readonly #everyMs: number
  readonly #work: () => Promise<void>
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  /** @param everyMs time between two beginnings; a run that takes longer is followed by the next at its turn */
  constructor(everyMs: number, work: () => Promise<void>, onError: (error: unknown) => void) {
    this.#everyMs = everyMs
    this.#work = work
    this.#onError = onError
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#everyMs).unref()
  }

  /** Resolves when the run under way has ended. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#running
  }

  #tick(): void {
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    try {
      await this.#work()
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#running = undefined
    }
  }
}
