import type { Settings } from './options.js'

/** Converts between the monotonic clock that decides and the wall clock that people and stores read. */
export class Clock {
  readonly #settings: Pick<Settings, 'scheduler' | 'wallClock'>

  constructor(settings: Pick<Settings, 'scheduler' | 'wallClock'>) {
    this.#settings = settings
  }

  /** Monotonic milliseconds. */
  nowMs(): number {
    return this.#settings.scheduler.now()
  }

  today(): Date {
    return this.#settings.wallClock()
  }

  toDate(monotonicMs: number): Date {
    return new Date(this.today().getTime() + monotonicMs - this.nowMs())
  }

  toMonotonicMs(date: Date): number {
    return this.nowMs() + date.getTime() - this.today().getTime()
  }
}
