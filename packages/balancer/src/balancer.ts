import { type EndpointSnapshot, type Explanation, explanationOf, snapshotOf } from './describe.js'
import type { Endpoint } from './endpoint.js'
import type { EndpointState } from './endpoint-state.js'
import { NoEndpointAvailableError, PinnedEndpointGoneError, QueueFullError, QueueTimeoutError } from './errors.js'
import type { BalancerEvent } from './events.js'
import type { Fitness } from './fitness.js'
import { Fleet } from './fleet.js'
import { LatencyScale } from './latency-scale.js'
import { type Lease, type LeaseHolder, SingleLease } from './lease.js'
import {
  type AcquireOptions,
  type BalancerOptions,
  checkMaxWait,
  checkOptions,
  DEFAULT_MAX_WAIT_MS,
  type RunOptions,
} from './options.js'
import { PickClock } from './pick-clock.js'
import type { PickContext } from './policy.js'
import type { Report } from './report.js'
import { runOn } from './run.js'
import { type Waiter, WaitingLine } from './waiting-line.js'

const ANY_ENDPOINT: PickContext = {}

/**
 * Picks one endpoint of many for each call and leases it: counts what is in flight, learns from how calls end, keeps
 * within caps, and lets calls wait in line when all endpoints are full. Owns no connection and, while no call waits, no timer.
 */
export class Balancer<E extends Endpoint> {
  readonly #fleet: Fleet<E>
  readonly #line: WaitingLine<E>
  readonly #clock: PickClock
  readonly #now: () => number
  readonly #queueSize: number
  readonly #health: Fitness | undefined
  readonly #onEvent: ((event: BalancerEvent) => void) | undefined
  #told = { available: 0, panicking: false }

  /** @throws RangeError for an option out of range, DuplicateEndpointError */
  constructor(options: BalancerOptions<E>) {
    const checked = checkOptions(options)
    this.#health = options.health
    this.#onEvent = options.onEvent
    this.#now = checked.now
    this.#queueSize = checked.queueSize
    this.#clock = new PickClock(checked.now)
    this.#line = new WaitingLine(() => this.poke())
    const scale = new LatencyScale(this.#clock.nowMs)
    const holderOf = (state: EndpointState<E>) => this.#holderOf(state)
    this.#fleet = new Fleet({ ...checked, health: options.health, clock: this.#clock, scale, holderOf })
    this.#fleet.update(options.endpoints)
    this.#told = { available: this.#fleet.availableCount, panicking: this.#fleet.panicking }
  }

  /** Calls waiting in line. */
  get waiting(): number {
    return this.#line.size
  }

  /**
   * Leases the endpoint that the policy prefers, now or not at all: undefined if all are unavailable, full or excluded.
   * Counts as one call in flight until released. O(1) or O(log n) unless health or the set has changed; the path of every call.
   * @throws PinnedEndpointGoneError
   */
  tryAcquire(context: PickContext = ANY_ENDPOINT): Lease<E> | undefined {
    this.#clock.restart()
    this.#refresh()
    const state = this.#choose(context)
    return state && this.#lease(state)
  }

  /**
   * Leases the endpoint that the policy prefers; while all are full, waits in line, first come, first served.
   * @throws NoEndpointAvailableError if waiting would not help or `maxWaitMs` is 0; QueueFullError; QueueTimeoutError;
   *   PinnedEndpointGoneError; the reason of the signal
   */
  async acquire(options: AcquireOptions = ANY_ENDPOINT): Promise<Lease<E>> {
    const { signal, maxWaitMs = DEFAULT_MAX_WAIT_MS } = options
    checkMaxWait(maxWaitMs)
    signal?.throwIfAborted()
    try {
      return this.tryAcquire(options) ?? (await this.#wait(options, { maxWaitMs, signal }))
    } catch (error) {
      this.#tellRefusal(error)
      throw error
    }
  }

  /**
   * Acquires, calls the function with the endpoint, and releases when its promise settles. Latency is learned as the time
   * until then. For answers whose body comes later, use `acquire` and release at the end of the body.
   * @throws what `acquire` throws, and what the function throws
   */
  async run<T>(call: (endpoint: E) => T | Promise<T>, options: RunOptions<T> = {}): Promise<T> {
    const { signal, maxWaitMs, context } = options
    const lease = await this.acquire({ ...context, signal, maxWaitMs })
    return runOn(lease, call, { ...options, now: this.#now })
  }

  /**
   * Replaces the whole set. Endpoints that stay (same id and generation) keep their load, what was learned, and their place
   * in the order; leases of those that leave end quietly.
   * @throws DuplicateEndpointError, RangeError; nothing has changed then
   */
  update(endpoints: readonly E[]): void {
    this.#clock.restart()
    const change = this.#fleet.update(endpoints)
    this.#emit({ type: 'updated', ...change, total: endpoints.length })
    this.#changed()
  }

  /** Looks at health now, for calls that wait in line. Not needed for new calls; while calls wait it happens every 100 ms. */
  poke(): void {
    this.#clock.restart()
    this.#refresh()
    this.#serve()
  }

  /** Who would be picked now, and why not each other one; by the order in which they joined. Changes nothing. */
  explain(context: PickContext = ANY_ENDPOINT): Explanation[] {
    this.#clock.restart()
    this.#refresh()
    const picked = context.pinnedTo === undefined ? this.#fleet.poolFor(context)?.peek(context) : undefined
    return this.#fleet.states.map((state) => {
      const verdict = this.#fleet.verdict(state, context)
      const isPicked = state === picked || (context.pinnedTo !== undefined && verdict === 'eligible')
      return explanationOf(state, isPicked ? 'picked' : verdict)
    })
  }

  /** Load and score of every endpoint, by the order in which they joined. */
  snapshot(): EndpointSnapshot[] {
    this.#clock.restart()
    this.#refresh()
    return this.#fleet.states.map(snapshotOf)
  }

  /** Load and score of one endpoint; undefined if there is none of this id. */
  snapshotOf(id: string): EndpointSnapshot | undefined {
    this.#clock.restart()
    this.#refresh()
    const state = this.#fleet.find(id)
    return state && snapshotOf(state)
  }

  #choose(context: PickContext): EndpointState<E> | undefined {
    if (context.pinnedTo !== undefined) return this.#choosePinned(context.pinnedTo, context)
    return this.#fleet.poolFor(context)?.take(context)
  }

  #choosePinned(id: string, context: PickContext): EndpointState<E> | undefined {
    const state = this.#fleet.find(id)
    if (state === undefined) throw new PinnedEndpointGoneError(id, 'removed')
    const verdict = this.#fleet.verdict(state, context)
    if (verdict === 'unavailable') throw new PinnedEndpointGoneError(id, 'held')
    return verdict === 'eligible' ? state : undefined
  }

  #lease(state: EndpointState<E>): Lease<E> {
    state.inFlight++
    state.picks++
    if (state.isFull) state.pool?.setOpen(state, false)
    return new SingleLease(state.endpoint, state.holder)
  }

  #holderOf(state: EndpointState<E>): LeaseHolder {
    return {
      settle: (report) => this.#settle(state, report),
      releasedTwice: () => this.#emit({ type: 'released-twice', id: state.id }),
      reportRejected: (error) => this.#emit({ type: 'report-rejected', id: state.id, error }),
    }
  }

  #settle(state: EndpointState<E>, report: Report): void {
    this.#clock.restart()
    state.inFlight--
    if (!state.isFull) state.pool?.setOpen(state, true)
    if (!state.detached) {
      state.learn(report)
      this.#health?.observe?.(state.id, report)
    }
    if (this.#line.size > 0) this.poke()
  }

  #refresh(): void {
    if (this.#fleet.refresh()) this.#changed()
  }

  #changed(): void {
    this.#tellAvailability()
    this.#serve()
  }

  #wait(options: AcquireOptions, bounds: { maxWaitMs: number; signal: AbortSignal | undefined }): Promise<Lease<E>> {
    if (bounds.maxWaitMs === 0 || !this.#worthWaiting(options)) {
      throw new NoEndpointAvailableError(this.#fleet.census(options))
    }
    if (this.#line.size >= this.#queueSize) throw new QueueFullError(this.#queueSize)
    const lease = this.#line.join(options, this.#clock.nowMs, bounds)
    this.#emit({ type: 'queued', waiting: this.#line.size })
    return lease
  }

  #worthWaiting(context: PickContext): boolean {
    if (context.pinnedTo === undefined) return this.#fleet.poolFor(context) !== undefined
    return !context.exclude?.has(context.pinnedTo)
  }

  #serve(): void {
    // When one call that takes any endpoint finds none, neither does any other such call behind it.
    let exhausted = false
    for (const waiter of this.#line) {
      const choosy = isChoosy(waiter.context)
      if (exhausted && !choosy) continue
      const served = this.#serveOne(waiter)
      exhausted ||= !served && !choosy
    }
  }

  #serveOne(waiter: Waiter<E>): boolean {
    try {
      const state = this.#choose(waiter.context)
      if (state !== undefined) this.#dequeue(waiter, state)
      else if (!this.#worthWaiting(waiter.context))
        waiter.refuse(new NoEndpointAvailableError(this.#fleet.census(waiter.context)))
      return state !== undefined
    } catch (error) {
      waiter.refuse(error)
      return false
    }
  }

  #dequeue(waiter: Waiter<E>, state: EndpointState<E>): void {
    waiter.serve(this.#lease(state))
    const waitedMs = this.#clock.nowMs - waiter.sinceMs
    this.#emit({ type: 'dequeued', id: state.id, waitedMs, waiting: this.#line.size })
  }

  #tellAvailability(): void {
    const { availableCount: available, panicking, states } = this.#fleet
    const told = this.#told
    this.#told = { available, panicking }
    if (available !== told.available) this.#emit({ type: 'availability', available, total: states.length })
    if (panicking !== told.panicking) this.#emit({ type: 'panic', active: panicking, available, total: states.length })
  }

  #tellRefusal(error: unknown): void {
    if (isRefusal(error)) this.#emit({ type: 'refused', code: error.code, waiting: this.#line.size })
  }

  #emit(event: BalancerEvent): void {
    try {
      this.#onEvent?.(event)
    } catch {
      // Lending and counting go on; an observer that fails must not make a call fail, nor leave one uncounted.
    }
  }
}

type Refusal = NoEndpointAvailableError | QueueFullError | QueueTimeoutError | PinnedEndpointGoneError

function isRefusal(error: unknown): error is Refusal {
  return (
    error instanceof NoEndpointAvailableError ||
    error instanceof QueueFullError ||
    error instanceof QueueTimeoutError ||
    error instanceof PinnedEndpointGoneError
  )
}

function isChoosy({ pinnedTo, exclude, allowUnavailable }: PickContext): boolean {
  return pinnedTo !== undefined || exclude !== undefined || allowUnavailable !== undefined
}
