/** Counts what is under way, for whoever wants to wait until it has ended. */
export class UnderWay {
  #count = 0
  #idle: PromiseWithResolvers<void> | undefined

  async follow<T>(work: () => Promise<T>): Promise<T> {
    this.#count += 1
    try {
      return await work()
    } finally {
      this.#count -= 1
      if (this.#count === 0) this.#idle?.resolve()
    }
  }

  /** Resolves when nothing is under way, after `graceMs` at the latest, at once when `hurry` aborts. */
  async untilNone(graceMs: number, hurry: AbortSignal): Promise<void> {
    if (this.#count === 0 || hurry.aborted) return
    this.#idle ??= Promise.withResolvers()
    const { promise, resolve } = this.#idle
    const timer = setTimeout(resolve, graceMs)
    hurry.addEventListener('abort', () => resolve(), { once: true })
    await promise
    clearTimeout(timer)
  }
}
