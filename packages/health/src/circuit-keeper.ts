import type { TripCause } from './circuit.js'
import type { Clock } from './clock.js'
import type { CircuitCause } from './events.js'
import type { StoredCircuit } from './store.js'
import { storedCircuit } from './stored-circuit.js'
import type { Target } from './target.js'
import type { TargetHealth } from './target-health.js'

/** What the keeper needs of the monitor. */
export interface CircuitKeeperOptions<T extends Target> {
  readonly group: string
  readonly maxEjectedRatio: number
  readonly clock: Clock
  readonly active: () => TargetHealth<T>[]
  readonly onTransition: (
    target: TargetHealth<T>,
    change: { from: StoredCircuit['state']; cause: CircuitCause },
  ) => void
  readonly onWithheld: (target: TargetHealth<T>, cause: TripCause) => void
}

/**
 * The rules of ejection, which look at the whole group: at most `maxEjectedRatio` of the active targets, never the only one, never
 * the last one that is available.
 */
export class CircuitKeeper<T extends Target> {
  readonly #options: CircuitKeeperOptions<T>

  constructor(options: CircuitKeeperOptions<T>) {
    this.#options = options
  }

  /** Counts a call in the target's circuit and opens it if that is due and allowed. */
  record(target: TargetHealth<T>, failed: boolean): void {
    const cause = target.circuit.record(failed, this.#nowMs())
    if (cause === undefined) target.withheld = false
    else if (this.#mayEject(target)) this.#change(target, cause, (nowMs) => target.circuit.open(nowMs))
    else this.#withhold(target, cause)
  }

  /** Makes an open circuit whose time is over half-open. True if the next probe is a trial. */
  beginTrialIfDue(target: TargetHealth<T>): boolean {
    const { state } = target.circuit
    if (state.state === 'open' && state.untilMs <= this.#nowMs()) this.#beginTrial(target, 'trial-due')
    return target.circuit.state.state === 'half-open'
  }

  /** Takes in the verdict of a trial; true if it closed the circuit. */
  endTrial(target: TargetHealth<T>, passed: boolean): boolean {
    if (target.circuit.state.state !== 'half-open') return false
    if (!passed) {
      this.#change(target, 'trial-failed', (nowMs) => target.circuit.open(nowMs))
      return false
    }
    const from = target.circuit.state.state
    const closed = target.circuit.trialPassed(this.#nowMs())
    if (closed) this.#options.onTransition(target, { from, cause: 'trial-succeeded' })
    return closed
  }

  /** A probe passed while another process calls the target well: the open time ends early, the probe is the first of the trial. */
  followAdvice(target: TargetHealth<T>): boolean {
    if (target.circuit.state.state !== 'open') return false
    this.#beginTrial(target, 'advice')
    return this.endTrial(target, true)
  }

  /** Closes circuits until the ceiling holds, those that were due first; needed when the group shrank. */
  enforceCeiling(): void {
    const ejected = this.#ejected().sort((a, b) => openUntilMs(a) - openUntilMs(b))
    const tooMany = ejected.slice(0, Math.max(0, ejected.length - this.#limit()))
    for (const target of tooMany) this.#change(target, 'ceiling', (nowMs) => target.circuit.close(nowMs))
  }

  /** The circuit is dropped with its target; a store should not keep an old ejection. */
  reset(target: TargetHealth<T>): void {
    if (target.circuit.state.state !== 'closed') this.#change(target, 'reset', (nowMs) => target.circuit.close(nowMs))
  }

  /** Takes over a stored circuit; one that would break the ceiling keeps its count only. */
  restore(target: TargetHealth<T>, stored: StoredCircuit): void {
    const nowMs = this.#nowMs()
    const open = stored.state !== 'closed' && this.#mayEject(target)
    const untilMs = stored.openUntil === undefined ? nowMs : this.#options.clock.toMonotonicMs(stored.openUntil)
    // A wall clock that was set back must not keep a target out for years.
    const boundedMs = Math.min(untilMs, nowMs + target.circuit.longestOpenMs)
    target.circuit.restore({
      state: open ? { state: 'open', untilMs: boundedMs } : { state: 'closed' },
      opens: stored.opens,
      sinceMs: Math.min(nowMs, this.#options.clock.toMonotonicMs(stored.since)),
    })
  }

  /** How a store should keep this circuit. */
  stored(target: TargetHealth<T>): StoredCircuit {
    return storedCircuit(target, this.#options.group, this.#options.clock)
  }

  #mayEject(target: TargetHealth<T>): boolean {
    if (target.admin.state !== 'active' || this.#ejected().length >= this.#limit()) return false
    return !target.answers.available || this.#others(target).some((other) => other.answers.available)
  }

  #withhold(target: TargetHealth<T>, cause: TripCause): void {
    if (target.withheld) return
    target.withheld = true
    this.#options.onWithheld(target, cause)
  }

  #beginTrial(target: TargetHealth<T>, cause: CircuitCause): void {
    this.#change(target, cause, (nowMs) => target.circuit.beginTrial(nowMs))
  }

  #change(target: TargetHealth<T>, cause: CircuitCause, apply: (nowMs: number) => void): void {
    const from = target.circuit.state.state
    apply(this.#nowMs())
    target.withheld = false
    this.#options.onTransition(target, { from, cause })
  }

  #limit(): number {
    return ejectionLimit(this.#options.active().length, this.#options.maxEjectedRatio)
  }

  #ejected(): TargetHealth<T>[] {
    return this.#options.active().filter((target) => target.circuit.state.state !== 'closed')
  }

  #others(target: TargetHealth<T>): TargetHealth<T>[] {
    return this.#options.active().filter((other) => other !== target)
  }

  #nowMs(): number {
    return this.#options.clock.nowMs()
  }
}

/** How many of so many active targets may be ejected: at least one of two, never the only one. */
export function ejectionLimit(active: number, maxEjectedRatio: number): number {
  if (active < 2 || maxEjectedRatio === 0) return 0
  // Never all of them, whatever the ratio: of two, one.
  return Math.min(active - 1, Math.max(1, Math.floor(active * maxEjectedRatio)))
}

function openUntilMs({ circuit }: TargetHealth): number {
  return circuit.state.state === 'open' ? circuit.state.untilMs : Number.NEGATIVE_INFINITY
}
