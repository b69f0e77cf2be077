import type { Verdict } from './describe.js'
import type { Endpoint } from './endpoint.js'
import { AVAILABLE, EndpointState, NEVER, type Surroundings } from './endpoint-state.js'
import type { Census } from './errors.js'
import type { Fitness } from './fitness.js'
import type { LeaseHolder } from './lease.js'
import { checkEndpoints } from './options.js'
import type { PickContext, Policy, Random } from './policy.js'
import { Pool } from './pool.js'

/** What a fleet needs of its balancer. */
export interface FleetOptions<E extends Endpoint> extends Surroundings {
  readonly policy: Policy
  readonly random: Random
  readonly health: Fitness | undefined
  readonly whenNoneAvailable: 'refuse' | 'panic'
  readonly panicBelowRatio: number
  holderOf(state: EndpointState<E>): LeaseHolder
}

/** Ids that an update added and removed. */
export interface FleetChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/**
 * All endpoints, in the pools that they can be picked from: one of the available ones, and one for each rank of a panic.
 * The pools are rebuilt when the set changes or health says something else, never per pick.
 */
export class Fleet<E extends Endpoint> {
  readonly #options: FleetOptions<E>
  readonly #available: Pool<E>
  /** By rank. */
  readonly #resorts = new Map<number, Pool<E>>()
  #resortOrder: readonly Pool<E>[] = []
  #byId = new Map<string, EndpointState<E>>()
  /** By ordinal. */
  #states: readonly EndpointState<E>[] = []
  #nextOrdinal = 0
  #version: number | undefined
  #availableCount = 0
  #panicking = false

  constructor(options: FleetOptions<E>) {
    this.#options = options
    this.#available = this.#newPool()
  }

  get states(): readonly EndpointState<E>[] {
    return this.#states
  }

  /** Endpoints that may get new calls: fit and of weight > 0. */
  get availableCount(): number {
    return this.#availableCount
  }

  /** Unavailable endpoints are used without being asked for. */
  get panicking(): boolean {
    return this.#panicking
  }

  find(id: string): EndpointState<E> | undefined {
    return this.#byId.get(id)
  }

  /** Takes over the whole set; what stays keeps its state and its place, what is new goes to the end. */
  update(endpoints: readonly E[]): FleetChange {
    checkEndpoints(endpoints)
    const before = this.#byId
    this.#byId = new Map(endpoints.map((endpoint) => [endpoint.id, this.#stateFor(endpoint)]))
    this.#states = [...this.#byId.values()].sort((a, b) => a.ordinal - b.ordinal)
    const gone = [...before.values()].filter((state) => this.find(state.id) !== state)
    for (const state of gone) state.detached = true
    const added = this.#states.filter((state) => before.get(state.id) !== state)
    this.#assessAll()
    this.#rebuild()
    return { added: added.map(({ id }) => id), removed: gone.map(({ id }) => id) }
  }

  /** Asks health again if it has changed. True if that changed who can be picked, or how often. */
  refresh(): boolean {
    const { health } = this.#options
    if (health === undefined || health.version === this.#version) return false
    if (!this.#assessAll()) return false
    this.#rebuild()
    return true
  }

  /** The pool that an unpinned call is picked from, even if it has to wait there; undefined: waiting would not help. */
  poolFor(context: PickContext): Pool<E> | undefined {
    if (this.#available.hasOtherThan(context.exclude)) return this.#available
    const panics = context.allowUnavailable ?? this.#options.whenNoneAvailable === 'panic'
    return panics ? this.#resortOrder.find((pool) => pool.hasOtherThan(context.exclude)) : undefined
  }

  /** False if health holds the endpoint back even from calls that are pinned to it. */
  acceptsPinned(id: string): boolean {
    return this.#options.health?.acceptsPinned?.(id) ?? true
  }

  /** Whether and why (not) an endpoint could take the call now. */
  verdict(state: EndpointState<E>, context: PickContext): Exclude<Verdict, 'picked'> {
    if (context.exclude?.has(state.id)) return 'excluded'
    if (context.pinnedTo !== undefined) return this.#pinnedVerdict(state, context.pinnedTo)
    if (state.endpoint.weight === 0) return 'weight_zero'
    if (state.pool === undefined || state.pool !== this.poolFor(context)) return 'unavailable'
    return state.open ? 'eligible' : 'full'
  }

  census(context: PickContext): Census {
    const counts = { eligible: 0, full: 0, excluded: 0, weight_zero: 0, unavailable: 0 }
    for (const state of this.#states) counts[this.verdict(state, context)]++
    const { full, excluded, unavailable } = counts
    return { total: this.#states.length, unavailable, full, excluded, weightZero: counts.weight_zero }
  }

  #pinnedVerdict(state: EndpointState<E>, pinnedTo: string): 'excluded' | 'unavailable' | 'full' | 'eligible' {
    if (state.id !== pinnedTo) return 'excluded'
    if (!this.acceptsPinned(pinnedTo)) return 'unavailable'
    return state.inFlight >= state.maxInFlight ? 'full' : 'eligible'
  }

  // A new generation takes the place of the old one in the order, and nothing else of it.
  #stateFor(endpoint: E): EndpointState<E> {
    const known = this.#byId.get(endpoint.id)
    if (known === undefined || known.endpoint.generation !== endpoint.generation) {
      const ordinal = known?.ordinal ?? this.#nextOrdinal++
      return new EndpointState(endpoint, ordinal, this.#options, (state) => this.#options.holderOf(state))
    }
    known.endpoint = endpoint
    return known
  }

  #assessAll(): boolean {
    const { health } = this.#options
    this.#version = health?.version
    let changed = false
    for (const state of this.#states) changed = state.assess(health) || changed
    return changed
  }

  #rebuild(): void {
    this.#available.empty()
    for (const pool of this.#resorts.values()) pool.empty()
    const usable = this.#states.filter(({ rank, weight }) => rank !== NEVER && weight > 0)
    const available = usable.filter(({ rank }) => rank === AVAILABLE)
    this.#availableCount = available.length
    this.#panicking = this.#mustPanic(available.length)
    const together = this.#panicking && available.length > 0
    this.#available.fill(together ? usable : available)
    this.#fillResorts(together ? [] : usable.filter(({ rank }) => rank !== AVAILABLE))
  }

  #mustPanic(available: number): boolean {
    const { whenNoneAvailable, panicBelowRatio } = this.#options
    const total = this.#states.length
    return whenNoneAvailable === 'panic' && total > 0 && (available === 0 || available / total < panicBelowRatio)
  }

  #fillResorts(states: readonly EndpointState<E>[]): void {
    const ranks = [...new Set(states.map(({ rank }) => rank))].sort((a, b) => a - b)
    this.#resortOrder = ranks.map((rank) => {
      const pool = this.#resorts.get(rank) ?? this.#newPool()
      this.#resorts.set(rank, pool)
      pool.fill(states.filter((state) => state.rank === rank))
      return pool
    })
  }

  #newPool(): Pool<E> {
    const { policy, random } = this.#options
    return new Pool(policy, random, (id) => this.#byId.get(id))
  }
}
