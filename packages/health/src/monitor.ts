import { Board } from './board.js'
import { Checks } from './checks.js'
import { Clock } from './clock.js'
import { makeEmitter } from './emitter.js'
import { MonitorClosedError, ProbeAbortedError, UnknownTargetError } from './errors.js'
import type { CallReport, Fitness } from './fitness.js'
import { Judge } from './judge.js'
import { type HealthMonitorOptions, resolveSettings, type Settings } from './options.js'
import type { ProbeResult } from './probe.js'
import { Roster } from './roster.js'
import type { Admin } from './status.js'
import type { StoredCircuit } from './store.js'
import type { AdminState, Target } from './target.js'
import type { TargetHealth } from './target-health.js'
import { type HealthStats, type TargetView, viewOf } from './views.js'
import { atMost, untilAborted } from './waiting.js'

/**
 * Knows which targets of a group can serve: probes them, listens to how calls went, and answers a balancer's questions.
 * Nothing runs before `start`; call `close` when done. Answers come from memory and cost a map look-up.
 */
export class HealthMonitor<T extends Target> implements Fitness, AsyncDisposable {
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #board: Board<T>
  readonly #judge: Judge<T>
  readonly #checks: Checks<T>
  readonly #roster: Roster<T>
  #paused = false
  #started: Promise<void> | undefined
  #closed: Promise<void> | undefined

  /** @throws RangeError for an option out of range, DuplicateTargetError. */
  constructor(options: HealthMonitorOptions<T>) {
    const settings = resolveSettings(options)
    const emit = makeEmitter(options.onEvent)
    this.#settings = settings
    this.#clock = new Clock(settings)
    this.#board = new Board<T>({ ...settings, clock: this.#clock, emit })
    this.#judge = new Judge<T>({
      settings,
      clock: this.#clock,
      board: this.#board,
      emit,
      onCircuitOpen: (target) => this.#checks.scheduleTrial(target),
    })
    this.#checks = new Checks<T>({
      settings,
      probe: options.probe,
      shouldProbe: options.shouldProbe,
      find: (id) => this.#board.get(id),
      judge: this.#judge,
    })
    this.#roster = new Roster<T>({
      settings,
      board: this.#board,
      circuits: this.#judge.circuits,
      checks: this.#checks,
      emit,
    })
    this.update(options.targets ?? [])
    this.restore(options.circuits ?? [])
  }

  /**
   * Begins to probe; resolves when every target was probed once, at the latest after `startTimeoutMs`. A target that fails does
   * not make it reject. Calling it again returns the same promise.
   * @throws MonitorClosedError after `close`; the signal's reason if it aborts first (the monitor runs on: close it).
   */
  async start(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#closed !== undefined) throw new MonitorClosedError()
    this.#started ??= this.#begin()
    await untilAborted(this.#started, options.signal)
  }

  /** Stops timers, aborts the probes that run, and waits (at most two seconds) until they have stopped. Answers stay as they are. */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Takes over the whole set of targets. What stays (same id, same generation) keeps its state; what is new is probed at once and
   * gets traffic after it passed.
   * @throws DuplicateTargetError before anything changed; MonitorClosedError.
   */
  update(targets: readonly T[]): void {
    this.#refuseIfClosed()
    this.#roster.update(targets)
  }

  /** Sets what the operator wants of a target. @throws UnknownTargetError, MonitorClosedError */
  setAdmin(id: string, admin: AdminState): void {
    this.#refuseIfClosed()
    const target = this.#require(id)
    const wanted = this.#toAdmin(admin)
    if (target.admin.state === 'disabled' && wanted.state !== 'disabled') {
      this.#roster.replace(target, target.target, wanted)
    } else {
      target.admin = wanted
      this.#board.refresh(target)
    }
    if (wanted.state === 'disabled') this.#checks.unschedule(id)
    this.#judge.circuits.enforceCeiling()
  }

  /** Lets no further probe fall due; what is asked for by `probeNow` still runs. */
  pause(): void {
    this.#paused = true
    this.#checks.pause()
  }

  /** Ends a pause. What fell due meanwhile runs at once. */
  resume(): void {
    this.#paused = false
    if (this.#started !== undefined && this.#closed === undefined) this.#checks.resume()
  }

  /**
   * Probes a target now, or joins its probe that already runs, and returns the verdict, which also counts as usual.
   * `signal` ends the waiting, not the probe.
   * @throws UnknownTargetError, MonitorClosedError, ProbeAbortedError if the target is removed meanwhile; the signal's reason.
   */
  async probeNow(id: string, options: { signal?: AbortSignal | undefined } = {}): Promise<ProbeResult> {
    this.#refuseIfClosed()
    const outcome = await untilAborted(this.#checks.run(this.#require(id), { urgent: true }), options.signal)
    if (outcome === undefined) throw new ProbeAbortedError()
    return outcome.verdict === 'fit' ? { verdict: 'fit' } : { verdict: outcome.verdict, reason: outcome.reason }
  }

  get version(): number {
    return this.#board.version
  }

  /** True while the available part is below `panicBelowRatio`. */
  get panicking(): boolean {
    return this.#board.panicking
  }

  isAvailable(id: string): boolean {
    const answers = this.#board.get(id)?.answers
    if (answers === undefined) return false
    return answers.available || (this.#board.panicking && answers.lastResort !== undefined)
  }

  share(id: string): number {
    return this.#board.get(id)?.answers.share ?? 0
  }

  penalty(id: string): number {
    return this.#board.get(id)?.answers.penalty ?? 1
  }

  acceptsPinned(id: string): boolean {
    return this.#board.get(id)?.answers.pinned ?? false
  }

  lastResort(id: string): 1 | 2 | undefined {
    return this.#board.get(id)?.answers.lastResort
  }

  /** Counts a call. An id that is not watched (any more) is ignored. */
  observe(id: string, report: CallReport): void {
    this.#board.get(id)?.use()
    if (report.outcome === 'cancelled' || report.outcome === 'overloaded') return
    const failed = report.outcome === 'failure'
    if (failed && report.suspicion !== undefined) {
      this.suspect(id, report.suspicion.cause, report.suspicion.by)
      return
    }
    const target = this.#board.get(id)
    if (target !== undefined && this.#closed === undefined) this.#judge.count(target, failed, report.hard ?? true)
  }

  /**
   * A call failed in a way that may be its own fault (timeout, child exit or 5xx during a tool call). Starts a probe at once: if it
   * fails, the call counts as a hard failure; else it raises only the failure ratio, at most once per `by` in 10 s.
   * Call it instead of `observe`. An id that is not watched is ignored.
   */
  suspect(id: string, cause: string, by?: string): void {
    const target = this.#board.get(id)
    if (target === undefined || target.admin.state === 'disabled' || this.#closed !== undefined) return
    target.suspect({ cause, by })
    this.#checks.hasten(target)
  }

  /**
   * Another process saw this target's circuit change. Advice, never a verdict: it starts a probe here. If the advice is `closed`
   * and the probe passes, an open circuit begins its trial early. An id that is not watched is ignored.
   */
  advise(id: string, advice: { state: StoredCircuit['state'] }): void {
    const target = this.#board.get(id)
    if (target === undefined || target.admin.state === 'disabled' || this.#closed !== undefined) return
    target.advisedClosed = advice.state === 'closed'
    this.#checks.hasten(target)
  }

  /**
   * Takes over circuits from before a restart. Those of another group or generation are ignored; those of targets that are not
   * known yet wait for them. Call it before `start`.
   */
  restore(states: readonly StoredCircuit[]): void {
    this.#roster.restore(states)
  }

  /** The circuits as a store should keep them: all that are not closed or have not forgotten their last ejections. */
  circuitStates(): readonly StoredCircuit[] {
    const all = this.#board.all().map((target) => this.#judge.circuits.stored(target))
    return all.filter(({ state, opens }) => state !== 'closed' || opens > 0)
  }

  /** What people may know of a target; undefined if it is not watched. */
  view(id: string): TargetView | undefined {
    const target = this.#board.get(id)
    return target && viewOf(target, this.#clock, this.#checks.nextMs(id))
  }

  /** The views of all targets, in the order in which they were added. */
  views(): readonly TargetView[] {
    return this.#board.all().map((target) => viewOf(target, this.#clock, this.#checks.nextMs(target.id)))
  }

  stats(): HealthStats {
    return {
      running: this.#started !== undefined && this.#closed === undefined && !this.#paused,
      checkIntervalMs: this.#settings.intervalMs,
      timeoutMs: this.#settings.timeoutMs,
      ...this.#checks.stats(),
    }
  }

  async #begin(): Promise<void> {
    this.#board.start()
    this.#roster.start()
    if (!this.#paused) this.#checks.resume()
    const first = this.#board.enabled().map((target) => this.#checks.first(target))
    await atMost(Promise.all(first), this.#settings.startTimeoutMs, this.#settings.scheduler)
  }

  async #end(): Promise<void> {
    this.#board.stop()
    for (const target of this.#board.all()) target.dropped.abort()
    await this.#checks.close()
  }

  #toAdmin(admin: AdminState): Admin {
    if (admin.state !== 'draining') return admin
    const untilMs = admin.until === undefined ? Number.POSITIVE_INFINITY : this.#clock.toMonotonicMs(admin.until)
    return { state: 'draining', untilMs }
  }

  #require(id: string): TargetHealth<T> {
    const target = this.#board.get(id)
    if (target === undefined) throw new UnknownTargetError(id)
    return target
  }

  #refuseIfClosed(): void {
    if (this.#closed !== undefined) throw new MonitorClosedError()
  }
}
