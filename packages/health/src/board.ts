import { Agenda } from './agenda.js'
import { sameAnswers } from './answers.js'
import type { Clock } from './clock.js'
import type { HealthEvent } from './events.js'
import type { Scheduler } from './scheduler.js'
import type { HealthStatus } from './status.js'
import type { Target } from './target.js'
import type { TargetHealth } from './target-health.js'

/** What the board needs of the monitor. */
export interface BoardOptions {
  readonly group: string
  readonly panicBelowRatio: number
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly emit: (event: HealthEvent) => void
}

/** Holds the targets with their current answers, and says by `version` and events when an answer changed. */
export class Board<T extends Target> {
  readonly #options: BoardOptions
  readonly #reviews: Agenda
  readonly #targets = new Map<string, TargetHealth<T>>()
  #version = 0
  #panicking = false

  constructor(options: BoardOptions) {
    this.#options = options
    this.#reviews = new Agenda(options.scheduler, (id) => this.#review(id))
  }

  get version(): number {
    return this.#version
  }

  get panicking(): boolean {
    return this.#panicking
  }

  /** Begins to keep answers up to date that change with time alone. */
  start(): void {
    this.#reviews.start()
  }

  stop(): void {
    this.#reviews.stop()
  }

  get(id: string): TargetHealth<T> | undefined {
    return this.#targets.get(id)
  }

  all(): TargetHealth<T>[] {
    return [...this.#targets.values()]
  }

  active(): TargetHealth<T>[] {
    return this.all().filter(({ admin }) => admin.state === 'active')
  }

  /** All but the disabled ones: those that are probed. */
  enabled(): TargetHealth<T>[] {
    return this.all().filter(({ admin }) => admin.state !== 'disabled')
  }

  add(target: TargetHealth<T>): void {
    this.#targets.set(target.id, target)
    this.#version += 1
  }

  delete(id: string): void {
    this.#targets.delete(id)
    this.#reviews.delete(id)
    this.#version += 1
  }

  /** Derives the answers of a target anew after something about it changed. */
  refresh(target: TargetHealth<T>): void {
    const nowMs = this.#options.clock.nowMs()
    const before = target.answers
    target.answers = target.deriveAnswers(nowMs)
    if (!sameAnswers(before, target.answers)) this.#version += 1
    const nextMs = target.nextReviewMs(nowMs)
    if (nextMs !== undefined) this.#reviews.set(target.id, nextMs)
    if (before.status !== target.answers.status) this.#tellStatus(target, before.status)
    this.refreshPanic()
  }

  /** Finds out anew whether too few are available. */
  refreshPanic(): void {
    const panicking = this.#options.panicBelowRatio > 0 && this.#tooFewAvailable()
    if (panicking === this.#panicking) return
    this.#panicking = panicking
    this.#version += 1
    this.#options.emit({ type: 'panic', group: this.#options.group, active: panicking })
  }

  // Those that must never get traffic do not belong to the whole: three held ones are no reason to use an ejected one.
  #tooFewAvailable(): boolean {
    const usable = this.active().filter(({ answers }) => answers.available || answers.lastResort !== undefined)
    const available = usable.filter(({ answers }) => answers.available).length
    return usable.length > 0 && available / usable.length < this.#options.panicBelowRatio
  }

  #review(id: string): void {
    const target = this.#targets.get(id)
    if (target === undefined) return
    target.failures.review(this.#options.clock.nowMs())
    this.refresh(target)
  }

  #tellStatus(target: TargetHealth<T>, from: HealthStatus): void {
    const { group, clock, emit } = this.#options
    const reason = target.lastFailure === undefined ? {} : { reason: target.lastFailure }
    emit({ type: 'status', group, id: target.id, from, to: target.answers.status, ...reason, at: clock.today() })
  }
}
