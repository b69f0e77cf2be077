import type { Scheduler } from './scheduler.js'

const TICK_MS = 250

/** Timers are late by a few milliseconds on any busy machine; only more than this is a stall. */
const TOLERATED_LATENESS_MS = 50

/**
 * Measures for how long our own event loop stood still, by a timer that knows when it should have fired.
 * Ticks only while somebody measures.
 */
export class LagMeter {
  readonly #scheduler: Scheduler
  #users = 0
  #totalMs = 0
  #expectedMs = 0
  #cancelTick: () => void = () => undefined

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  /** Starts a measurement; call the returned function once, at its end, for the milliseconds of standstill since then. */
  measure(): () => number {
    this.#users += 1
    if (this.#users === 1) this.#tick()
    const beforeMs = this.#soFarMs()
    return () => {
      const stalledMs = this.#soFarMs() - beforeMs
      this.#users -= 1
      if (this.#users === 0) this.#cancelTick()
      return stalledMs
    }
  }

  // The tick itself may be overdue when it is asked: a timeout that fires first after a stall must already see it.
  #soFarMs(): number {
    return this.#totalMs + this.#lateMs()
  }

  #lateMs(): number {
    const lateMs = this.#scheduler.now() - this.#expectedMs
    return lateMs > TOLERATED_LATENESS_MS ? lateMs : 0
  }

  #tick(): void {
    this.#expectedMs = this.#scheduler.now() + TICK_MS
    this.#cancelTick = this.#scheduler.after(TICK_MS, () => {
      this.#totalMs += this.#lateMs()
      this.#tick()
    })
  }
}
