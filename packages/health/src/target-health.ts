import { type Answers, deriveAnswers } from './answers.js'
import { Circuit } from './circuit.js'
import { FailureRatio } from './failure-ratio.js'
import type { Suspicion } from './fitness.js'
import type { Settings } from './options.js'
import { ProbeRecord } from './probe-record.js'
import type { ProbeOutcome } from './prober.js'
import { nextSlowStartStepMs, slowStartShare } from './slow-start.js'
import type { Admin, TargetState } from './status.js'
import { SuspicionLog } from './suspicion-log.js'
import type { Target } from './target.js'

/** While failures fade, what is published of them is brought up to date this often, in milliseconds. */
const FADE_REVIEW_MS = 1_000

/** More than this say no more, and must not fill the memory while no verdict comes (a paused monitor). */
const MAX_SUSPICIONS = 1_000

/** All that the monitor knows of one target. Knows nothing of the others, of timers and of events. */
export class TargetHealth<T extends Target = Target> {
  readonly #settings: Settings
  readonly id: string
  /** Watched only since the monitor runs: it is warmed up when it passes for the first time. */
  readonly newcomer: boolean
  readonly record: ProbeRecord
  readonly circuit: Circuit
  readonly failures: FailureRatio
  readonly suspicionLog: SuspicionLog = new SuspicionLog()
  /** Aborts when this record is dropped; a probe that still runs then is of no interest. */
  readonly dropped: AbortController = new AbortController()
  target: T
  admin: Admin
  /** Waiting for the verdict of the next probe. */
  suspicions: Suspicion[] = []
  /** Another process saw this target well again. */
  advisedClosed = false
  /** The owner was told that an ejection is due but withheld. */
  withheld = false
  slowStartFromMs: number | undefined
  /** When a call used it last, on the monotonic clock. */
  usedMs: number = Number.NEGATIVE_INFINITY
  checkedAt: Date | undefined
  lastOutcome: ProbeOutcome | undefined
  lastFailure: string | undefined
  answers: Answers

  constructor(target: T, options: { settings: Settings; admin: Admin; newcomer: boolean }) {
    const { settings, admin, newcomer } = options
    this.#settings = settings
    this.id = target.id
    this.target = target
    this.admin = admin
    this.newcomer = newcomer
    this.record = new ProbeRecord(settings)
    const nowMs = settings.scheduler.now()
    this.circuit = new Circuit(settings.circuit, { random: settings.random, nowMs })
    this.failures = new FailureRatio(settings.degradedFailureRatio)
    this.answers = this.deriveAnswers(nowMs)
  }

  get generation(): string | undefined {
    return this.target.generation === undefined ? undefined : String(this.target.generation)
  }

  get state(): TargetState {
    return {
      admin: this.admin,
      probe: this.record.state,
      circuit: this.circuit.state,
      everFit: this.record.everFit,
      degraded: this.failures.excessive || this.record.slow,
    }
  }

  /** A call used it. */
  use(): void {
    this.usedMs = this.#settings.scheduler.now()
  }

  /** Fit, and nothing about it is waiting to be found out. */
  get settled(): boolean {
    const { state, edge, slow } = this.record
    if (state.state !== 'fit' || edge || slow || this.circuit.state.state !== 'closed') return false
    return this.suspicions.length === 0 && !this.advisedClosed && !this.failures.excessive
  }

  /** Remembers a suspicion until the next verdict. */
  suspect(suspicion: Suspicion): void {
    if (this.suspicions.length < MAX_SUSPICIONS) this.suspicions.push(suspicion)
  }

  /** Takes in the verdict of a probe. */
  learn(outcome: ProbeOutcome, at: Date): void {
    this.record.add(outcome)
    this.checkedAt = at
    this.lastOutcome = outcome
    this.lastFailure = outcome.verdict === 'fit' ? undefined : outcome.reason
  }

  /** What a balancer should be told now. */
  deriveAnswers(nowMs: number): Answers {
    const share = slowStartShare(this.slowStartFromMs, nowMs, this.#settings)
    return deriveAnswers(this.state, { nowMs, share, failureRatio: this.failures.published })
  }

  /** When the answers change by themselves; undefined if only events change them. */
  nextReviewMs(nowMs: number): number | undefined {
    const moments: readonly (number | undefined)[] = [
      nextSlowStartStepMs(this.slowStartFromMs, nowMs, this.#settings),
      this.failures.published > 0 || this.failures.excessive ? nowMs + FADE_REVIEW_MS : undefined,
      this.admin.state === 'draining' && this.admin.untilMs > nowMs ? this.admin.untilMs : undefined,
    ]
    const nextMs = Math.min(...moments.map((moment) => moment ?? Number.POSITIVE_INFINITY))
    return Number.isFinite(nextMs) ? nextMs : undefined
  }
}
