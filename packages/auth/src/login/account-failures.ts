import { BoundedCache } from '../bounded-cache.js'

/** How often an account has failed without a success in between, and when last. */
export interface Failures {
  /** >= 1. */
  readonly count: number
  /** Milliseconds, monotonic. */
  readonly at: number
}

/**
 * Which accounts have failed. Bounded, because anybody can make up names; and by how often they have failed, so that a flood
 * of names that failed once forgets others that failed once, and never one that has failed many times.
 */
export class AccountFailures {
  readonly #levels: readonly BoundedCache<Failures>[]

  /** @param levels counts that are told apart; more failures than that are one level. @param perLevel accounts of each */
  constructor(levels: number, perLevel: number) {
    this.#levels = Array.from({ length: levels }, () => new BoundedCache<Failures>(perLevel))
  }

  get(account: string): Failures | undefined {
    for (const level of this.#levels) {
      const known = level.get(account)
      if (known !== undefined) return known
    }
    return undefined
  }

  set(account: string, failures: Failures): void {
    this.delete(account)
    this.#levels[Math.min(failures.count, this.#levels.length) - 1]?.set(account, failures)
  }

  delete(account: string): void {
    for (const level of this.#levels) level.delete(account)
  }
}
