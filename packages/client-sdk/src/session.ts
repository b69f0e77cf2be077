import { NotAuthenticatedError, SessionEndedError } from './errors.js'
import type { SessionStore, SessionTokens } from './session-store.js'

/** An access token is renewed when it has less than this to live: requests take time, and clocks differ. */
const RENEW_AHEAD_MS = 30_000

/** What a {@link Session} needs. */
export interface SessionOptions {
  readonly store: SessionStore
  /** Asks the gateway for new tokens. @throws NotAuthenticatedError when the login has ended */
  readonly exchange: (refreshToken: string) => Promise<SessionTokens>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** One login: hands out its access token and renews it, once for all who need it. */
export class Session {
  readonly #options: SessionOptions
  #renewal: Promise<string | undefined> | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** The access token to send; undefined when nobody is logged in. Renews one that is about to end. */
  async accessToken(signal?: AbortSignal): Promise<string | undefined> {
    const tokens = await this.#options.store.load()
    if (tokens === undefined || this.#isFresh(tokens)) return tokens?.accessToken
    return this.renew(tokens.accessToken, signal)
  }

  /**
   * A token instead of `stale`. All who ask at the same time share one exchange; somebody's signal ends only their own wait.
   * Undefined when somebody else has logged out; the same token when there is nothing to renew it with.
   * @throws SessionEndedError when the gateway no longer knows the login
   */
  renew(stale: string, signal?: AbortSignal): Promise<string | undefined> {
    this.#renewal ??= this.#renewStored(stale).finally(() => {
      this.#renewal = undefined
    })
    return orAborted(this.#renewal, signal)
  }

  async #renewStored(stale: string): Promise<string | undefined> {
    const { store } = this.#options
    const renew = async (): Promise<string | undefined> => {
      const tokens = await store.load()
      // Somebody who shares the tokens was faster.
      if (tokens === undefined || tokens.accessToken !== stale) return tokens?.accessToken
      if (tokens.refreshToken === undefined) return stale
      return this.#exchange(tokens.refreshToken)
    }
    return store.exclusively === undefined ? renew() : store.exclusively(renew)
  }

  async #exchange(refreshToken: string): Promise<string> {
    const { store, exchange } = this.#options
    try {
      const renewed = await exchange(refreshToken)
      await store.save(renewed)
      return renewed.accessToken
    } catch (error) {
      if (!(error instanceof NotAuthenticatedError)) throw error
      // It would be refused for ever.
      await store.save(undefined)
      throw new SessionEndedError(error)
    }
  }

  #isFresh({ expiresAt, refreshToken }: SessionTokens): boolean {
    if (expiresAt === undefined || refreshToken === undefined) return true
    return expiresAt.getTime() - this.#options.now() > RENEW_AHEAD_MS
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
