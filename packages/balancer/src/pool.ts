import type { Endpoint } from './endpoint.js'
import type { EndpointState } from './endpoint-state.js'
import type { PickContext, Picker, Policy, Random } from './policy.js'
import { ScanningPicker } from './scanning-picker.js'

/** Finds an endpoint by its id. */
type Find<E extends Endpoint> = (id: string) => EndpointState<E> | undefined

/** Endpoints that one policy chooses among; knows which of them are open. */
export class Pool<E extends Endpoint> {
  readonly #policy: Policy
  readonly #random: Random
  readonly #find: Find<E>
  readonly #picker: Picker<EndpointState<E>>
  #members: readonly EndpointState<E>[] = []

  constructor(policy: Policy, random: Random, find: Find<E>) {
    this.#policy = policy
    this.#random = random
    this.#find = find
    this.#picker = 'picker' in policy ? policy.picker(random) : new ScanningPicker(policy)
  }

  /** Lets all members go. A pool must be emptied before another one takes over its members. */
  empty(): void {
    for (const state of this.#members) {
      state.pool = undefined
      state.open = false
    }
    this.#members = []
  }

  /** Takes over members, sorted by ordinal, that are in no pool. */
  fill(members: readonly EndpointState<E>[]): void {
    this.#members = members
    this.#picker.prepare(members)
    for (const state of members) {
      state.pool = this
      state.open = true
      if (state.isFull) this.setOpen(state, false)
    }
  }

  setOpen(state: EndpointState<E>, open: boolean): void {
    if (state.open === open) return
    state.open = open
    this.#picker.setOpen(state, open)
  }

  /** True if a member is not excluded; it may be full. */
  hasOtherThan(exclude: ReadonlySet<string> | undefined): boolean {
    if (exclude === undefined || exclude.size === 0) return this.#members.length > 0
    let excluded = 0
    for (const id of exclude) if (this.#find(id)?.pool === this) excluded++
    return this.#members.length > excluded
  }

  /** Picks a member and moves on; undefined if all are full or excluded. */
  take(context: PickContext): EndpointState<E> | undefined {
    const { exclude } = context
    if (exclude === undefined || exclude.size === 0) return this.#take(context)
    return this.#without(exclude, () => this.#take(context))
  }

  /** Whom `take` would pick now. Draws no lots from the balancer's own random numbers: looking changes nothing. */
  peek(context: PickContext): EndpointState<E> | undefined {
    return this.#without(context.exclude ?? NOBODY, () => this.#pick(context, middle))
  }

  #take(context: PickContext): EndpointState<E> | undefined {
    const picked = this.#pick(context, this.#random)
    if (picked !== undefined) this.#picker.taken?.()
    return picked
  }

  #pick(context: PickContext, random: Random): EndpointState<E> | undefined {
    const picked = this.#picker.pick(context, random)
    if (picked === undefined || picked.open) return picked
    throw new TypeError(`balancer: policy ${this.#policy.name} picked something that is not among the candidates`)
  }

  // Excluded ones are closed for the moment: as many steps as there are excluded, however many members there are.
  #without<T>(exclude: ReadonlySet<string>, choose: () => T): T {
    const closed: EndpointState<E>[] = []
    for (const id of exclude) {
      const state = this.#find(id)
      if (state?.pool !== this || !state.open) continue
      this.setOpen(state, false)
      closed.push(state)
    }
    try {
      return choose()
    } finally {
      for (const state of closed) this.setOpen(state, true)
    }
  }
}

const NOBODY: ReadonlySet<string> = new Set()

function middle(): number {
  return 0.5
}
