import type { ProbeOutcome } from './prober.js'

/** What the probes of a target add up to. */
export type ProbeState =
  /** Not passed yet since it is watched. */
  | { readonly state: 'starting' }
  | { readonly state: 'fit' }
  | { readonly state: 'unfit'; readonly reason: string }
  | { readonly state: 'held'; readonly reason: string }

/** How many last passed probes make the median. */
const MEDIAN_OF = 21

/** Fewer passed probes than this say nothing about what is usual. */
const MEDIAN_FROM = 5

/** A probe is slow if it took more than five times the median... */
const SLOW_FACTOR = 5

/** ...and longer than this, in milliseconds: from 1 ms to 6 ms is noise, not a symptom. */
const SLOW_FLOOR_MS = 100

/** Counts verdicts of one target's probes by `fall` and `rise`, and knows when its last answer was unusually slow. */
export class ProbeRecord {
  readonly #fall: number
  readonly #rise: number
  readonly #latenciesMs: number[] = []
  #state: ProbeState = { state: 'starting' }
  #everFit = false
  #edge = true
  #slow = false
  #failures = 0
  #passes = 0

  constructor(thresholds: { fall: number; rise: number }) {
    this.#fall = thresholds.fall
    this.#rise = thresholds.rise
  }

  get state(): ProbeState {
    return this.#state
  }

  /** Passed a probe at least once. */
  get everFit(): boolean {
    return this.#everFit
  }

  /** A verdict is building up or has just changed, so the next probe should come soon. */
  get edge(): boolean {
    return this.#edge
  }

  /** The last passed probe took much longer than is usual for this target. */
  get slow(): boolean {
    return this.#slow
  }

  get consecutiveFailures(): number {
    return this.#failures
  }

  get consecutivePasses(): number {
    return this.#passes
  }

  /** How many probes failed in a row since it is unfit; 0 for the one that made it so. */
  get failuresSinceDown(): number {
    return Math.max(0, this.#failures - this.#fall)
  }

  /** Takes in the verdict of one probe. */
  add(outcome: ProbeOutcome): void {
    const before = this.#state.state
    this.#count(outcome)
    this.#state = this.#next(outcome)
    this.#edge = this.#isEdge(before, outcome)
  }

  #count(outcome: ProbeOutcome): void {
    const passed = outcome.verdict === 'fit'
    this.#failures = passed ? 0 : this.#failures + 1
    this.#passes = passed ? this.#passes + 1 : 0
    if (!passed) return
    this.#slow = this.#isSlow(outcome.latencyMs)
    this.#latenciesMs.push(outcome.latencyMs)
    if (this.#latenciesMs.length > MEDIAN_OF) this.#latenciesMs.shift()
  }

  #next(outcome: ProbeOutcome): ProbeState {
    if (outcome.verdict === 'held') return { state: 'held', reason: outcome.reason }
    if (outcome.verdict === 'unfit') return this.#failures < this.#fall ? this.#state : this.#down(outcome.reason)
    if (this.#state.state !== 'fit' && this.#passes < this.#needed()) return this.#state
    this.#everFit = true
    return { state: 'fit' }
  }

  /** A held target that also fails stays held: it must not become a last resort. */
  #down(reason: string): ProbeState {
    return this.#state.state === 'held' ? this.#state : { state: 'unfit', reason }
  }

  // Envoy: the first pass is enough for one that was not seen before.
  #needed(): number {
    return this.#state.state === 'starting' ? 1 : this.#rise
  }

  #isEdge(before: ProbeState['state'], outcome: ProbeOutcome): boolean {
    const passed = outcome.verdict === 'fit'
    const now = this.#state.state
    // Not after the very first pass: all targets pass theirs together at start, and should not stay in step.
    if (now === 'fit') return !passed || (before !== 'fit' && before !== 'starting')
    return now === 'starting' || passed
  }

  #isSlow(latencyMs: number): boolean {
    if (this.#latenciesMs.length < MEDIAN_FROM || latencyMs <= SLOW_FLOOR_MS) return false
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b)
    return latencyMs > SLOW_FACTOR * (sorted[sorted.length >> 1] ?? 0)
  }
}
