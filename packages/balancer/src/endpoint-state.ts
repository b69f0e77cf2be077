import type { Candidate, Endpoint } from './endpoint.js'
import type { Fitness } from './fitness.js'
import { hashOf } from './hash.js'
import type { LatencyScale } from './latency-scale.js'
import { LearnedLoad } from './learned-load.js'
import type { LeaseHolder } from './lease.js'
import type { PickClock } from './pick-clock.js'
import type { Report } from './report.js'

/** Rank of an endpoint that may get new calls; the ranks of a panic are above it. */
export const AVAILABLE = 0

/** Rank of an endpoint that gets no new calls, whatever happens. */
export const NEVER: number = Number.POSITIVE_INFINITY

/** What all endpoints of one balancer have in common. */
export interface Surroundings {
  readonly clock: PickClock
  readonly scale: LatencyScale
  /** In-flight cap of endpoints that name none. */
  readonly maxInFlight: number
}

/** What an endpoint needs of the pool that it can be picked from. */
export interface Membership<E extends Endpoint> {
  /** Tells the pool that its member became full, or has room again. */
  setOpen(state: EndpointState<E>, open: boolean): void
}

/** One endpoint, one generation of it: its load, what was learned about it, and what health last said. */
export class EndpointState<E extends Endpoint> implements Candidate {
  endpoint: E
  readonly ordinal: number
  readonly idHash: number
  readonly holder: LeaseHolder
  readonly #surroundings: Surroundings
  readonly #learned: LearnedLoad
  inFlight = 0
  picks = 0
  weight = 0
  share = 1
  penalty = 1
  rank: number = NEVER
  /** In-flight cap for new calls now: slow start lowers it. */
  limit = 0
  /** The pool that it can be picked from, if any. */
  pool: Membership<E> | undefined
  /** In its pool, and neither full nor excluded. */
  open = false
  /** Replaced or removed: its leases end quietly. */
  detached = false

  constructor(
    endpoint: E,
    ordinal: number,
    surroundings: Surroundings,
    holderOf: (state: EndpointState<E>) => LeaseHolder,
  ) {
    this.endpoint = endpoint
    this.ordinal = ordinal
    this.idHash = hashOf(endpoint.id)
    this.#surroundings = surroundings
    this.#learned = new LearnedLoad(surroundings.clock.nowMs)
    this.holder = holderOf(this)
  }

  get id(): string {
    return this.endpoint.id
  }

  get latency(): number {
    const { clock, scale } = this.#surroundings
    return this.#learned.latency(clock, scale.level)
  }

  get peakLatencyMs(): number {
    return this.#learned.peakLatencyMs(this.#surroundings.clock)
  }

  get meanLatencyMs(): number | undefined {
    return this.#learned.meanLatencyMs
  }

  get errorRatio(): number {
    return this.#learned.errorRatio(this.#surroundings.clock)
  }

  get coolingDown(): boolean {
    return this.#learned.coolingDown(this.#surroundings.clock)
  }

  /** In-flight cap of pinned calls, which slow start does not touch. */
  get maxInFlight(): number {
    return this.endpoint.maxInFlight ?? this.#surroundings.maxInFlight
  }

  get isFull(): boolean {
    return this.inFlight >= this.limit
  }

  learn(report: Report): void {
    const { clock, scale } = this.#surroundings
    this.#learned.learn(report, scale, clock)
  }

  /** Takes over what health says now. True if that changes who can be picked, or how often. */
  assess(health: Fitness | undefined): boolean {
    const { rank, weight, limit } = this
    this.share = clampShare(health?.share?.(this.id) ?? 1)
    this.penalty = Math.max(1, health?.penalty?.(this.id) ?? 1)
    this.rank = rankOf(this.id, health)
    this.weight = (this.endpoint.weight ?? 1) * this.share
    this.limit = Math.max(1, Math.ceil(this.maxInFlight * this.share))
    return rank !== this.rank || weight !== this.weight || limit !== this.limit
  }
}

function rankOf(id: string, health: Fitness | undefined): number {
  if (health === undefined || health.isAvailable(id)) return AVAILABLE
  return health.lastResort === undefined ? 1 : (health.lastResort(id) ?? NEVER)
}

function clampShare(share: number): number {
  return share > 0 ? Math.min(1, share) : 0
}
