import type { Endpoint } from './endpoint.js'
import { DuplicateEndpointError } from './errors.js'
import type { BalancerEvent } from './events.js'
import type { Fitness } from './fitness.js'
import type { PickContext, Policy, Random } from './policy.js'
import type { Outcome, Report } from './report.js'

/** Enough for a server that does real work, and few enough that a stuck one is noticed. */
export const DEFAULT_MAX_IN_FLIGHT = 64

/** Two rounds of one endpoint's default cap: more would wait longer than callers do. */
export const DEFAULT_QUEUE_SIZE = 128

export const DEFAULT_MAX_WAIT_MS = 5_000

/** The longest time that a timer can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1

export interface BalancerOptions<E extends Endpoint> {
  /** The first set; `update` replaces it. May be empty. */
  readonly endpoints: readonly E[]
  /** Who of the available endpoints gets the next call. */
  readonly policy: Policy
  /** Who is available. Absence: everybody, always. */
  readonly health?: Fitness | undefined
  /** Calls in flight per endpoint that names no cap of its own: an integer >= 1, or Infinity. @default 64 */
  readonly maxInFlight?: number | undefined
  /** Calls that may wait when all endpoints are full: an integer >= 0. @default 128 */
  readonly queueSize?: number | undefined
  /**
   * When no endpoint is available: `refuse` the call, or `panic`, that is use unavailable ones by the ranks of
   * `Fitness.lastResort`. A call may say otherwise by `allowUnavailable`. @default 'refuse'
   */
  readonly whenNoneAvailable?: 'refuse' | 'panic' | undefined
  /**
   * With `panic`: use unavailable endpoints besides the available ones when fewer than this ratio are available, 0..1, so
   * that a failure does not cascade. Suits fleets of hundreds. @default 0
   */
  readonly panicBelowRatio?: number | undefined
  /** Numbers in [0, 1). @default Math.random */
  readonly random?: Random | undefined
  /** A monotonic clock in milliseconds. @default performance.now */
  readonly now?: (() => number) | undefined
  /** Is told what happens. What it throws is ignored. */
  readonly onEvent?: ((event: BalancerEvent) => void) | undefined
}

/** What `acquire` takes besides the context of the pick. */
export interface AcquireOptions extends PickContext {
  /** Ends the wait; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Longest time in the queue in milliseconds, 0..2^31-1; 0 = do not wait. @default 5_000 */
  readonly maxWaitMs?: number | undefined
}

export interface RunOptions<T> {
  /** What a result says about the endpoint. What the function throws is a failure, unless the signal was aborted. @default 'success' */
  readonly classify?: ((result: T) => Outcome | Report) | undefined
  readonly signal?: AbortSignal | undefined
  /** Longest time in the queue in milliseconds; 0 = do not wait. @default 5_000 */
  readonly maxWaitMs?: number | undefined
  readonly context?: PickContext | undefined
  /** What is asked: latencies are compared within a kind only. @default '' */
  readonly kind?: string | undefined
}

/** Options with their defaults filled in. */
export interface CheckedOptions {
  readonly policy: Policy
  readonly maxInFlight: number
  readonly queueSize: number
  readonly whenNoneAvailable: 'refuse' | 'panic'
  readonly panicBelowRatio: number
  readonly random: Random
  readonly now: () => number
}

/** Fills in the defaults. Throws a RangeError naming the option that is out of range. */
export function checkOptions(options: BalancerOptions<Endpoint>): CheckedOptions {
  const { maxInFlight = DEFAULT_MAX_IN_FLIGHT, queueSize = DEFAULT_QUEUE_SIZE, panicBelowRatio = 0 } = options
  assertCap('maxInFlight', maxInFlight)
  if (!Number.isInteger(queueSize) || queueSize < 0) throw outOfRange('queueSize', 'an integer >= 0', queueSize)
  if (!(panicBelowRatio >= 0 && panicBelowRatio <= 1))
    throw outOfRange('panicBelowRatio', 'within 0..1', panicBelowRatio)
  const { whenNoneAvailable = 'refuse', random = Math.random, now = () => performance.now() } = options
  return { policy: options.policy, maxInFlight, queueSize, panicBelowRatio, whenNoneAvailable, random, now }
}

/** Throws DuplicateEndpointError, or a RangeError for a weight or cap that is none. */
export function checkEndpoints(endpoints: readonly Endpoint[]): void {
  const ids = new Set<string>()
  for (const { id, weight = 1, maxInFlight = 1 } of endpoints) {
    if (ids.has(id)) throw new DuplicateEndpointError(id)
    ids.add(id)
    if (!Number.isFinite(weight) || weight < 0) throw outOfRange(`weight of "${id}"`, 'a finite number >= 0', weight)
    assertCap(`maxInFlight of "${id}"`, maxInFlight)
  }
}

/** Throws a RangeError unless a timer can be set to it. */
export function checkMaxWait(maxWaitMs: number): void {
  if (!(maxWaitMs >= 0 && maxWaitMs <= MAX_TIMER_MS))
    throw outOfRange('maxWaitMs', `within 0..${MAX_TIMER_MS}`, maxWaitMs)
}

function assertCap(what: string, value: number): void {
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= 1)) return
  throw outOfRange(what, 'an integer >= 1 or Infinity', value)
}

function outOfRange(what: string, range: string, value: unknown): RangeError {
  return new RangeError(`balancer: ${what} must be ${range}, got ${String(value)}`)
}
