/** Bounds how many things run at once; who waits is served first come, first served, the urgent before the others. */
export class Slots {
  #free: number
  readonly #urgent: (() => void)[] = []
  readonly #waiting: (() => void)[] = []

  constructor(size: number) {
    this.#free = size
  }

  /** Takes a slot; give it back by `release`. False = `signal` aborted first and no slot was taken. */
  async acquire(signal: AbortSignal, urgent: boolean): Promise<boolean> {
    if (signal.aborted) return false
    if (this.#free > 0) {
      this.#free -= 1
      return true
    }
    return await this.#wait(urgent ? this.#urgent : this.#waiting, signal)
  }

  /** Hands the slot to the next one that waits. */
  release(): void {
    const next = this.#urgent.shift() ?? this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }

  #wait(queue: (() => void)[], signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const grant = () => {
        signal.removeEventListener('abort', giveUp)
        resolve(true)
      }
      const giveUp = () => {
        queue.splice(queue.indexOf(grant), 1)
        resolve(false)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      queue.push(grant)
    })
  }
}
