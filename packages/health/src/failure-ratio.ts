/** Failures fade with this time constant, in milliseconds. */
const TIME_CONSTANT_MS = 30_000

/** Calls that are assumed to have gone well, so that one failure in two calls is not 50 %. */
const PRIOR_CALLS = 5

/** What is published moves in steps of this size, so that prepared lists of a balancer are not rebuilt on each call. */
const STEP = 0.05

/** More than half a step, so that a ratio on the border of two steps does not flap. */
const STEP_AT = 0.03

/**
 * `e` of the balancing formulas: decayed failures / (decayed calls + 5).
 * Published in steps; `excessive` has a hysteresis (it ends at three quarters of its limit).
 */
export class FailureRatio {
  readonly #limit: number
  #failures = 0
  #calls = 0
  #atMs = 0
  #published = 0
  #excessive = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get published(): number {
    return this.#published
  }

  /** Above the limit. */
  get excessive(): boolean {
    return this.#excessive
  }

  value(nowMs: number): number {
    const fade = this.#fade(nowMs)
    return (this.#failures * fade) / (this.#calls * fade + PRIOR_CALLS)
  }

  /** Counts a call; true if something published changed. */
  add(failed: boolean, nowMs: number): boolean {
    const fade = this.#fade(nowMs)
    this.#calls = this.#calls * fade + 1
    this.#failures = this.#failures * fade + (failed ? 1 : 0)
    this.#atMs = nowMs
    return this.review(nowMs)
  }

  /** Brings what is published up to date; true if it changed. */
  review(nowMs: number): boolean {
    const value = this.value(nowMs)
    const published = Math.abs(value - this.#published) >= STEP_AT ? Math.round(value / STEP) * STEP : this.#published
    const excessive = value > (this.#excessive ? this.#limit * 0.75 : this.#limit)
    const changed = published !== this.#published || excessive !== this.#excessive
    this.#published = published
    this.#excessive = excessive
    return changed
  }

  #fade(nowMs: number): number {
    return this.#failures === 0 && this.#calls === 0 ? 1 : Math.exp((this.#atMs - nowMs) / TIME_CONSTANT_MS)
  }
}
