import { BoundedCache } from '../bounded-cache.js'

const DEFAULT_MAX_KEYS = 10_000

/** How much a key may do. */
export interface RateLimit {
  /** Units per period, > 0. */
  readonly limit: number
  /** Milliseconds, > 0. */
  readonly periodMs: number
  /** Units that may come at once after a pause, >= 1. @default limit */
  readonly burst?: number | undefined
}

/** Options of {@link RateLimiter}. */
export interface RateLimiterOptions extends RateLimit {
  /** Keys that are remembered; the least recently seen one is forgotten, and begins with a fresh burst when it comes again. @default 10_000 */
  readonly maxKeys?: number | undefined
  /** Milliseconds, monotonic. @default performance.now */
  readonly now?: (() => number) | undefined
}

/** What was decided, and what the `RateLimit` header fields need. */
export interface RateDecision {
  readonly allowed: boolean
  /** The limit per period that holds on this node. */
  readonly limit: number
  readonly periodMs: number
  /** Whole units that may come right now. */
  readonly remaining: number
  /** Until the same request would be allowed; 0 when it is. */
  readonly retryAfterMs: number
  /** Until the whole burst is there again. */
  readonly resetMs: number
}

/**
 * Limits how often something happens per key, by the generic cell rate algorithm (ITU-T I.371): one number per key, the
 * theoretical arrival time. Refused attempts cost nothing, so a caller that waits as it was told gets through.
 */
export class RateLimiter {
  readonly #limit: { readonly limit: number; readonly periodMs: number; readonly burst: number }
  readonly #arrivals: BoundedCache<number>
  readonly #now: () => number
  #share = 1

  constructor(options: RateLimiterOptions) {
    const { limit, periodMs, burst = limit, maxKeys = DEFAULT_MAX_KEYS } = options
    for (const [name, value] of Object.entries({ limit, periodMs })) {
      if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`auth: ${name} must be > 0, got ${value}`)
    }
    if (!(burst >= 1 && Number.isFinite(burst))) throw new RangeError(`auth: burst must be >= 1, got ${burst}`)
    this.#limit = { limit, periodMs, burst }
    this.#arrivals = new BoundedCache(maxKeys)
    this.#now = options.now ?? (() => performance.now())
  }

  /** This node's part of the limit, 0 < share <= 1: one divided by the nodes that are alive. */
  setShare(share: number): void {
    if (!(share > 0 && share <= 1)) throw new RangeError(`auth: share must be > 0 and <= 1, got ${share}`)
    this.#share = share
  }

  /** Asks for `cost` units for a key, and takes them if it may. Synchronous, constant time. */
  take(key: string, cost = 1): RateDecision {
    const decision = this.#decide(key, cost)
    if (decision.allowed) this.#arrivals.set(key, decision.arrival)
    return decision
  }

  /** The same answer without taking anything. */
  peek(key: string, cost = 1): RateDecision {
    return this.#decide(key, cost)
  }

  /** Forgets a key: it has its whole burst again. */
  reset(key: string): void {
    this.#arrivals.delete(key)
  }

  #decide(key: string, cost: number): RateDecision & { readonly arrival: number } {
    const { limit, periodMs, burst } = this.#limit
    const now = this.#now()
    const share = limit * this.#share
    const interval = periodMs / share
    const tolerance = interval * Math.max(1, burst * this.#share)
    const before = Math.max(this.#arrivals.get(key) ?? now, now)
    const after = before + cost * interval
    const allowed = after - now <= tolerance
    const arrival = allowed ? after : before
    return {
      allowed,
      limit: Math.max(1, Math.floor(share)),
      periodMs,
      remaining: Math.floor((tolerance - (arrival - now)) / interval),
      retryAfterMs: allowed ? 0 : after - now - tolerance,
      resetMs: arrival - now,
      arrival,
    }
  }
}
