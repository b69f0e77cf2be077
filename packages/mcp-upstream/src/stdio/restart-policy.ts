import { UpstreamCrashLoopError, type UpstreamError } from '../errors.js'

/** Whether a start is allowed now. */
export type StartGate =
  | { readonly state: 'open' }
  | { readonly state: 'backoff' | 'crash_loop'; readonly untilMs: number }

/** Full jitter: a random part of a bound that doubles from half a second to half a minute. */
const BACKOFF_FIRST_MS = 500
const BACKOFF_MAX_MS = 30_000
/** A child that was ready for so long has recovered: its past is forgotten. */
const STABLE_AFTER_MS = 5 * 60_000
/** Five exits within a minute are a crash loop, as five starts in ten seconds are for systemd. */
const LOOP_EXITS = 5
const LOOP_WINDOW_MS = 60_000
const LOOP_FIRST_MS = 5 * 60_000
const LOOP_MAX_MS = 30 * 60_000

/** What the policy is told about an exit. */
export interface ExitFacts {
  readonly atMs: number
  /** How long the child had been ready; absent if it never was. */
  readonly readyForMs?: number | undefined
  /** What starting, or using, the child failed with; said again to those who come during a long backoff. */
  readonly failure: UpstreamError
}

/** Decides when a child that exited may be started again. Pure: time and chance are given. */
export class RestartPolicy {
  readonly #random: () => number
  #exits: number[] = []
  #failures = 0
  #loops = 0
  #gate: StartGate = { state: 'open' }
  #lastFailure: UpstreamError | undefined

  constructor(random: () => number) {
    this.#random = random
  }

  /** A child exited, or could not be started, without our wish. */
  exited({ atMs, readyForMs, failure }: ExitFacts): StartGate {
    if (readyForMs !== undefined && readyForMs >= STABLE_AFTER_MS) this.clear()
    this.#lastFailure = failure
    this.#exits = [...this.#exits.filter((at) => at > atMs - LOOP_WINDOW_MS), atMs]
    this.#failures += 1
    // After a crash loop one start is tried; its exit is the next loop, however long ago the others were.
    const looping = this.#loops > 0 || this.#exits.length >= LOOP_EXITS
    this.#gate = looping ? this.#nextLoop(atMs) : this.#nextBackoff(atMs)
    return this.#gate
  }

  gate(nowMs: number): StartGate {
    return this.#gate.state !== 'open' && this.#gate.untilMs > nowMs ? this.#gate : { state: 'open' }
  }

  /** Why a start cannot even be waited for; undefined if the gate opens within `maxWaitMs`. */
  refusal(nowMs: number, maxWaitMs: number): UpstreamError | undefined {
    const gate = this.gate(nowMs)
    if (gate.state === 'open') return undefined
    if (gate.state === 'crash_loop') return this.crashLoopError(gate.untilMs)
    return gate.untilMs - nowMs > maxWaitMs ? this.#lastFailure : undefined
  }

  crashLoopError(untilMs: number): UpstreamCrashLoopError {
    return new UpstreamCrashLoopError({ exits: this.#failures, retryAt: new Date(untilMs) })
  }

  /** Nothing is held against the child: the policy may be thrown away. */
  isClear(nowMs: number): boolean {
    return this.#failures === 0 || (this.gate(nowMs).state === 'open' && this.#lastExitBefore(nowMs - 2 * LOOP_MAX_MS))
  }

  /** Forgets all exits: an operator asks for a start now, or the child was stable. */
  clear(): void {
    this.#exits = []
    this.#failures = 0
    this.#loops = 0
    this.#gate = { state: 'open' }
    this.#lastFailure = undefined
  }

  #nextBackoff(atMs: number): StartGate {
    const bound = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (this.#failures - 1))
    return { state: 'backoff', untilMs: atMs + this.#random() * bound }
  }

  #nextLoop(atMs: number): StartGate {
    const waitMs = Math.min(LOOP_MAX_MS, LOOP_FIRST_MS * 2 ** this.#loops)
    this.#loops += 1
    return { state: 'crash_loop', untilMs: atMs + waitMs }
  }

  #lastExitBefore(atMs: number): boolean {
    return (this.#exits.at(-1) ?? Number.NEGATIVE_INFINITY) <= atMs
  }
}
