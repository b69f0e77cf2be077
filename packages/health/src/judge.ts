import type { Board } from './board.js'
import { CircuitKeeper } from './circuit-keeper.js'
import type { Clock } from './clock.js'
import type { CircuitCause, HealthEvent } from './events.js'
import type { Settings } from './options.js'
import type { ProbeOutcome } from './prober.js'
import type { StoredCircuit } from './store.js'
import type { Target } from './target.js'
import type { TargetHealth } from './target-health.js'

/** What the judge needs of the monitor. */
export interface JudgeOptions<T extends Target> {
  readonly settings: Settings
  readonly clock: Clock
  readonly board: Board<T>
  readonly emit: (event: HealthEvent) => void
  /** A circuit opened or became half-open: its trial is to be planned. */
  readonly onCircuitOpen: (target: TargetHealth<T>) => void
}

/** Draws the conclusions from what probes and calls say. */
export class Judge<T extends Target> {
  readonly #options: JudgeOptions<T>
  readonly circuits: CircuitKeeper<T>

  constructor(options: JudgeOptions<T>) {
    const { settings, clock, board, emit } = options
    this.#options = options
    this.circuits = new CircuitKeeper<T>({
      group: settings.group,
      maxEjectedRatio: settings.maxEjectedRatio,
      clock,
      active: () => board.active(),
      onTransition: (target, change) => this.#onTransition(target, change),
      onWithheld: ({ id }, cause) => emit({ type: 'ejection-withheld', group: settings.group, id, cause }),
    })
  }

  /** A probe ended. `trial`: the circuit was half-open when it began. */
  onOutcome(target: TargetHealth<T>, outcome: ProbeOutcome, trial: boolean): void {
    const before = target.record.state.state
    target.learn(outcome, this.#options.clock.today())
    this.#tellProbe(target, outcome)
    this.#concludeTrial(target, outcome.verdict === 'fit', trial)
    this.#concludeSuspicions(target, outcome.verdict === 'fit')
    if (before !== 'fit' && outcome.verdict === 'fit') this.#onPass(target, before === 'starting')
    this.#options.board.refresh(target)
  }

  /** A probe failed while our own loop stood still; it does not count. */
  onStall({ id }: TargetHealth<T>, stalledMs: number): void {
    this.#options.emit({ type: 'stall', group: this.#options.settings.group, id, stalledMs })
  }

  /** A call ended. A failure that is not hard raises only the failure ratio. */
  count(target: TargetHealth<T>, failed: boolean, hard: boolean): void {
    const changed = target.failures.add(failed, this.#options.clock.nowMs())
    if (!failed || hard) this.circuits.record(target, failed)
    if (changed) this.#options.board.refresh(target)
  }

  #concludeTrial(target: TargetHealth<T>, passed: boolean, trial: boolean): void {
    if (trial) this.circuits.endTrial(target, passed)
    else if (passed && target.advisedClosed) this.circuits.followAdvice(target)
    target.advisedClosed = false
  }

  #concludeSuspicions(target: TargetHealth<T>, passed: boolean): void {
    const suspicions = target.suspicions
    target.suspicions = []
    for (const { by = '' } of suspicions) {
      if (!passed) this.count(target, true, true)
      else if (target.suspicionLog.admits(by, this.#options.clock.nowMs())) this.count(target, true, false)
    }
  }

  #onPass(target: TargetHealth<T>, first: boolean): void {
    if (target.record.state.state !== 'fit') return
    target.circuit.forgetCalls()
    if (!first || target.newcomer) this.#warmUp(target)
  }

  #warmUp(target: TargetHealth<T>): void {
    const { settings, board, clock } = this.#options
    const few = board.active().length < settings.slowStartMinTargets
    target.slowStartFromMs = few || settings.slowStartMs === 0 ? undefined : clock.nowMs()
  }

  #onTransition(target: TargetHealth<T>, change: { from: StoredCircuit['state']; cause: CircuitCause }): void {
    const circuit = this.circuits.stored(target)
    if (circuit.state === 'closed') this.#warmUp(target)
    else this.#options.onCircuitOpen(target)
    this.#options.board.refresh(target)
    this.#options.emit({ type: 'circuit', group: circuit.group, id: target.id, ...change, to: circuit.state, circuit })
  }

  #tellProbe({ id }: TargetHealth<T>, outcome: ProbeOutcome): void {
    const { settings, clock, emit } = this.#options
    const { verdict, latencyMs } = outcome
    const reason = outcome.verdict === 'fit' ? {} : { reason: outcome.reason }
    emit({ type: 'probe', group: settings.group, id, verdict, ...reason, latencyMs, at: clock.today() })
  }
}
