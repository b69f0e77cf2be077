import type { AuditEvent } from '../audit/event.js'
import { AuthSnapshot } from '../authenticate/snapshot.js'
import type { AuthObserver } from '../events.js'
import { applyChanges, emptyIdentity, type IdentityChange, type IdentityState } from './state.js'
import type { IdentityCommit, IdentityStore } from './store.js'
import { Turns } from './turns.js'

// Each attempt reads what the faster one wrote; five lost races in a row are no coincidence.
const MAX_ATTEMPTS = 5
// Longer than the leeway of clocks: the token is refused by its own time from then on.
const REVOCATION_KEPT_MS = 60_000

/** What somebody decided to change, and what to tell the caller. */
export interface Decided<T> {
  readonly changes: readonly IdentityChange[]
  readonly audit: AuditEvent
  readonly result: T
}

/** Options of a {@link Directory}. */
export interface DirectoryOptions {
  readonly store: IdentityStore
  /** Gets a snapshot after each successful load, refresh and change, also when nothing changed: it is confirmed then. */
  readonly onSnapshot?: ((snapshot: AuthSnapshot) => void) | undefined
  /** Milliseconds since 1970: revocations of tokens that have expired are forgotten. @default Date.now */
  readonly now?: (() => number) | undefined
  readonly onEvent?: AuthObserver | undefined
}

/**
 * Users, keys and revocations in memory, as the store had them last. Call {@link refresh} each second where others write
 * to the same store. Holds nothing that must be closed.
 */
export class Directory {
  readonly store: IdentityStore
  readonly #onSnapshot: ((snapshot: AuthSnapshot) => void) | undefined
  readonly #onEvent: AuthObserver | undefined
  readonly #now: () => number
  readonly #turns = new Turns()
  #state: IdentityState = emptyIdentity
  #snapshot: AuthSnapshot = AuthSnapshot.of(emptyIdentity)
  #loaded = false

  constructor(options: DirectoryOptions) {
    this.store = options.store
    this.#onSnapshot = options.onSnapshot
    this.#onEvent = options.onEvent
    this.#now = options.now ?? Date.now
  }

  get state(): IdentityState {
    return this.#state
  }

  /** What an `Authenticator` needs, at the version of {@link state}. */
  get snapshot(): AuthSnapshot {
    return this.#snapshot
  }

  /** Reads everything. Errors of the store pass through. */
  load(): Promise<void> {
    return this.#turns.run(() => this.#load())
  }

  /** Reads what others have changed. Tells failures to the observer too, since it is called by a timer. */
  async refresh(): Promise<void> {
    try {
      await this.#turns.run(() => this.#refresh())
    } catch (error) {
      this.#onEvent?.({ type: 'identity-refresh-failed', error })
      throw error
    }
  }

  /**
   * Decides on the newest state and writes what was decided, with its audit record, in one transaction; decides again if
   * somebody else was faster. `decide` may therefore be called several times and must have no effects. Nothing is written
   * when it decides on no changes.
   * @param commit writes it as a part of something larger. @default the store's
   */
  change<T>(
    decide: (state: IdentityState) => Decided<T>,
    commit: IdentityCommit = (...change) => this.store.commit(...change),
  ): Promise<T> {
    return this.#turns.run(async () => {
      for (let attempt = 1; ; attempt++) {
        await this.#refresh()
        const { changes, audit, result } = decide(this.#state)
        if (changes.length === 0) return result
        try {
          const version = await commit(changes, this.#state.version, audit)
          this.#become(applyChanges(this.#state, changes, version), audit.action)
          return result
        } catch (error) {
          if (!isStale(error) || attempt === MAX_ATTEMPTS) throw error
        }
      }
    })
  }

  async #load(): Promise<void> {
    this.#become(await this.store.load(), undefined)
    this.#loaded = true
  }

  async #refresh(): Promise<void> {
    if (!this.#loaded) return this.#load()
    const { version, full, changes } = await this.store.changesSince(this.#state.version)
    if (version === this.#state.version && !full) {
      this.#onSnapshot?.(this.#snapshot)
      return
    }
    this.#become(applyChanges(full ? emptyIdentity : this.#state, changes, version), undefined)
  }

  #become(state: IdentityState, action: string | undefined): void {
    this.#state = withoutExpired(state, new Date(this.#now() - REVOCATION_KEPT_MS))
    this.#snapshot = AuthSnapshot.of(this.#state)
    this.#onSnapshot?.(this.#snapshot)
    this.#onEvent?.({ type: 'identity-changed', version: state.version, action })
  }
}

function withoutExpired(state: IdentityState, before: Date): IdentityState {
  const kept = [...state.revokedTokens].filter(([, expiresAt]) => expiresAt >= before)
  return kept.length === state.revokedTokens.size ? state : { ...state, revokedTokens: new Map(kept) }
}

function isStale(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'AUTH_STALE'
}
