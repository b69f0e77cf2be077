import { OutcomeWindow } from './outcome-window.js'

/** When a circuit opens, for how long, and what closes it. */
export interface CircuitOptions {
  /** Hard failures in a row that open it. Integer >= 1. @default 5 */
  readonly consecutiveFailures?: number | undefined
  /** Opens when a smaller part of the calls in the window succeeds. 0..1; 0 = never by ratio. @default 0.5 */
  readonly minSuccessRatio?: number | undefined
  /** The ratio counts only from this many calls in the window on. Integer >= 1. @default 20 */
  readonly minCalls?: number | undefined
  /** Length of the window, in milliseconds. @default 10_000 */
  readonly windowMs?: number | undefined
  /** Open time of the first ejection, in milliseconds; the n-th in a row lasts n times as long. @default 10_000 */
  readonly openMs?: number | undefined
  /** The longest open time before jitter, in milliseconds. @default 300_000 */
  readonly maxOpenMs?: number | undefined
  /** Open times vary by this part, so that many gateways do not try again in the same moment. 0..1. @default 0.2 */
  readonly jitterRatio?: number | undefined
  /** Probes in a row that must pass to close it. Integer >= 1. @default 2 */
  readonly successesToClose?: number | undefined
}

/** All circuit options with their values. */
export type CircuitSettings = { readonly [K in keyof CircuitOptions]-?: number }

/** Envoy's outlier detection (5 in a row, cap 300 s) with Finagle's success rate as the second trigger. */
export const DEFAULT_CIRCUIT: CircuitSettings = {
  consecutiveFailures: 5,
  minSuccessRatio: 0.5,
  minCalls: 20,
  windowMs: 10_000,
  openMs: 10_000,
  maxOpenMs: 300_000,
  jitterRatio: 0.2,
  successesToClose: 2,
}

/** Instants are milliseconds of the monotonic clock. */
export type CircuitState =
  | { readonly state: 'closed' }
  | { readonly state: 'open'; readonly untilMs: number }
  | { readonly state: 'half-open'; readonly successes: number }

/** Why a closed circuit should open. */
export type TripCause = 'consecutive-failures' | 'success-ratio'

/**
 * The state machine of one target's circuit: counts calls while closed, keeps the open time, counts trials while half-open.
 * It decides nothing about the group: `record` says that the circuit should open, whoever knows the others calls `open`.
 */
export class Circuit {
  readonly #settings: CircuitSettings
  readonly #random: () => number
  readonly #window: OutcomeWindow
  #state: CircuitState = { state: 'closed' }
  #consecutive = 0
  #opens = 0
  #sinceMs: number

  constructor(settings: CircuitSettings, options: { random: () => number; nowMs: number }) {
    this.#settings = settings
    this.#random = options.random
    this.#window = new OutcomeWindow(settings.windowMs)
    this.#sinceMs = options.nowMs
  }

  get state(): CircuitState {
    return this.#state
  }

  /** When the present state began. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** How often it opened in a row; one less for each `openMs` that it stays closed. */
  opens(nowMs: number): number {
    if (this.#state.state !== 'closed') return this.#opens
    const forgiven = Math.floor((nowMs - this.#sinceMs) / this.#settings.openMs)
    return Math.max(0, this.#opens - forgiven)
  }

  /** Counts a call. Returns why the circuit should open now, if it should. Calls that ran past an open circuit do not count. */
  record(failed: boolean, nowMs: number): TripCause | undefined {
    if (this.#state.state !== 'closed') return undefined
    this.#consecutive = failed ? this.#consecutive + 1 : 0
    this.#window.add(failed, nowMs)
    if (this.#consecutive >= this.#settings.consecutiveFailures) return 'consecutive-failures'
    return this.#failsTooOften(nowMs) ? 'success-ratio' : undefined
  }

  /** Forgets the calls so far: the target was away and came back. */
  forgetCalls(): void {
    this.#consecutive = 0
    this.#window.clear()
  }

  /** Opens it, longer than the last time. */
  open(nowMs: number): void {
    this.#opens = this.opens(nowMs) + 1
    this.#enter({ state: 'open', untilMs: nowMs + this.#openMs() }, nowMs)
  }

  /** Lets a probe decide from here on. */
  beginTrial(nowMs: number): void {
    this.#enter({ state: 'half-open', successes: 0 }, nowMs)
  }

  /** Counts a passed probe of the trial; true if that closed the circuit. */
  trialPassed(nowMs: number): boolean {
    if (this.#state.state !== 'half-open') return false
    const successes = this.#state.successes + 1
    if (successes >= this.#settings.successesToClose) this.close(nowMs)
    else this.#state = { state: 'half-open', successes }
    return successes >= this.#settings.successesToClose
  }

  close(nowMs: number): void {
    this.#enter({ state: 'closed' }, nowMs)
  }

  /** Takes over a state from before a restart. */
  restore(saved: { state: CircuitState; opens: number; sinceMs: number }): void {
    this.#enter(saved.state, saved.sinceMs)
    this.#opens = saved.opens
  }

  /** The longest time that this circuit can stay open in one go. */
  get longestOpenMs(): number {
    return this.#settings.maxOpenMs * (1 + this.#settings.jitterRatio)
  }

  #failsTooOften(nowMs: number): boolean {
    const { calls, failures } = this.#window.totals(nowMs)
    if (calls < this.#settings.minCalls) return false
    return (calls - failures) / calls < this.#settings.minSuccessRatio
  }

  #openMs(): number {
    const plainMs = Math.min(this.#settings.openMs * this.#opens, this.#settings.maxOpenMs)
    return plainMs * (1 + this.#settings.jitterRatio * (2 * this.#random() - 1))
  }

  #enter(state: CircuitState, nowMs: number): void {
    this.#state = state
    this.#sinceMs = nowMs
    this.forgetCalls()
  }
}
