import { addressBucket } from '../addresses.js'
import { LoginThrottledError } from '../errors.js'
import type { AuthObserver } from '../events.js'
import { RateLimiter } from '../limits/gcra.js'
import { AccountFailures, type Failures } from './account-failures.js'

const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 15 * 60 * 1000
// After this time without an attempt an account starts afresh.
const FORGIVEN_AFTER_MS = 24 * 3600 * 1000
// From 1 s to 15 min in eleven steps.
const LEVELS = 11
const MAX_ACCOUNTS_PER_LEVEL = 10_000
const DEFAULT_PER_ADDRESS = { limit: 30, periodMs: 60_000 }

/** Options of {@link LoginThrottle}. */
export interface LoginThrottleOptions {
  /** Attempts that an address (of IPv6: its first 64 bits) may make. @default 30 in 60 s */
  readonly perAddress?: { readonly limit: number; readonly periodMs: number } | undefined
  /** Milliseconds, monotonic. @default performance.now */
  readonly now?: (() => number) | undefined
  readonly onEvent?: AuthObserver | undefined
}

/**
 * Slows down guessing: after each failure an account has to wait twice as long, from 1 s to 15 min and never for ever;
 * addresses have a limit of their own. Accounts that do not exist are treated the same.
 * An attempt counts as failed when it begins, so that a thousand at the same time are not one. Counts live as long as the
 * object: a restart begins afresh.
 */
export class LoginThrottle {
  readonly #accounts = new AccountFailures(LEVELS, MAX_ACCOUNTS_PER_LEVEL)
  readonly #addresses: RateLimiter
  readonly #now: () => number
  readonly #onEvent: AuthObserver | undefined
  #share = 1

  constructor(options: LoginThrottleOptions = {}) {
    this.#now = options.now ?? (() => performance.now())
    this.#addresses = new RateLimiter({ ...(options.perAddress ?? DEFAULT_PER_ADDRESS), now: this.#now })
    this.#onEvent = options.onEvent
  }

  /**
   * This node's part of the attempts, 0 < share <= 1: one divided by the nodes that are alive. Each node counts by itself.
   * Of an address they allow together what one would. An account waits twice as long on each of two, but 15 min at most: who
   * reaches all nodes has at most as many times more guesses at it as there are nodes.
   */
  setShare(share: number): void {
    this.#addresses.setShare(share)
    this.#share = share
  }

  /** Begins an attempt. @throws LoginThrottledError */
  begin(account: string, address: string | undefined): void {
    if (address !== undefined) this.#takeAddress(address)
    const known = this.#failuresOf(account)
    const waitMs = known === undefined ? 0 : known.at + this.#delayAfter(known.count) - this.#now()
    if (waitMs > 0) this.#refuse('account', waitMs)
    this.#accounts.set(account, { count: (known?.count ?? 0) + 1, at: this.#now() })
  }

  /** The attempt was right: the account starts afresh. */
  succeeded(account: string): void {
    this.#accounts.delete(account)
  }

  /** The attempt was neither right nor wrong, such as when the database did not answer: it does not count. */
  undecided(account: string): void {
    const known = this.#accounts.get(account)
    if (known === undefined) return
    if (known.count <= 1) this.#accounts.delete(account)
    else this.#accounts.set(account, { ...known, count: known.count - 1 })
  }

  #takeAddress(address: string): void {
    const decision = this.#addresses.take(addressBucket(address))
    if (!decision.allowed) this.#refuse('address', decision.retryAfterMs)
  }

  #failuresOf(account: string): Failures | undefined {
    const known = this.#accounts.get(account)
    return known !== undefined && this.#now() - known.at < FORGIVEN_AFTER_MS ? known : undefined
  }

  #delayAfter(failures: number): number {
    const alone = Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 20), MAX_DELAY_MS)
    return Math.min(alone / this.#share, MAX_DELAY_MS)
  }

  #refuse(by: 'account' | 'address', retryAfterMs: number): never {
    this.#onEvent?.({ type: 'login-throttled', by, retryAfterMs })
    throw new LoginThrottledError(retryAfterMs)
  }
}
