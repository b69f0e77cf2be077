import type { Scheduler } from '../scheduler.js'

/** Promise reactions that may follow one another before the next timer fires. */
const MICROTASK_TURNS = 50

/** A clock that stands still until the test moves it. Timers fire in the order of their time, then of their making. */
export class ManualScheduler implements Scheduler {
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  #nowMs: number

  constructor(startMs: number = 0) {
    this.#nowMs = startMs
  }

  /** How many timers are waiting. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Moves the clock on, firing what falls due on the way; promises settle between timers. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let timer = this.#earliest(untilMs); timer !== undefined; timer = this.#earliest(untilMs)) {
      this.#timers.delete(timer)
      this.#nowMs = Math.max(this.#nowMs, timer.atMs)
      timer.run()
      await settle()
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** Moves the clock on without firing anything, as a blocked event loop does; what is due fires with the next `advance`. */
  stall(ms: number): void {
    this.#nowMs += ms
  }

  #earliest(untilMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    let earliest: { readonly atMs: number; readonly run: () => void } | undefined
    for (const timer of this.#timers) {
      if (timer.atMs <= untilMs && (earliest === undefined || timer.atMs < earliest.atMs)) earliest = timer
    }
    return earliest
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < MICROTASK_TURNS; turn++) await Promise.resolve()
}
