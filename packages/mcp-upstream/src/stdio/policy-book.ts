import type { UpstreamError } from '../errors.js'
import { RestartPolicy, type StartGate } from './restart-policy.js'

/** Above this many policies those that hold nothing against anybody are forgotten. */
const TIDY_ABOVE = 256
const EVERYBODY = Symbol('children that serve everybody')

/**
 * The restart policies of one connection, one per authorization context: a principal whose calls crash its children
 * does not keep others from theirs.
 */
export class PolicyBook {
  readonly #now: () => number
  readonly #random: () => number
  readonly #policies = new Map<string | symbol, RestartPolicy>()

  constructor(options: { readonly now: () => number; readonly random: () => number }) {
    this.#now = options.now
    this.#random = options.random
  }

  /** The policy of one context; undefined: of the children that serve everybody, and of our own. */
  of(context: string | undefined): RestartPolicy {
    const key = context ?? EVERYBODY
    const known = this.#policies.get(key)
    if (known) return known
    this.#tidy()
    const policy = new RestartPolicy(this.#random)
    this.#policies.set(key, policy)
    return policy
  }

  /** The gate that opens last of those that are shut; undefined if all are open. */
  closedGate(): Exclude<StartGate, { readonly state: 'open' }> | undefined {
    let last: Exclude<StartGate, { readonly state: 'open' }> | undefined
    for (const policy of this.#policies.values()) {
      const gate = policy.gate(this.#now())
      if (gate.state !== 'open' && (last === undefined || gate.untilMs > last.untilMs)) last = gate
    }
    return last
  }

  /** Why a start of our own cannot be waited for. */
  refusal(maxWaitMs: number): UpstreamError | undefined {
    return this.of(undefined).refusal(this.#now(), maxWaitMs)
  }

  clear(): void {
    for (const policy of this.#policies.values()) policy.clear()
  }

  #tidy(): void {
    if (this.#policies.size < TIDY_ABOVE) return
    for (const [key, policy] of this.#policies) if (policy.isClear(this.#now())) this.#policies.delete(key)
  }
}
