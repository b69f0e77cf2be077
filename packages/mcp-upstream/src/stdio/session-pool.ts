import type { SessionLease } from '../upstream.js'
import type { StdioSession } from './stdio-session.js'

/** An exclusive session that nobody uses now. */
interface Waiting {
  readonly key: string
  readonly context: string
  readonly session: StdioSession
}

/** Above this many kept sessions those that nobody uses are let go. */
const TIDY_ABOVE = 256

/** Makes a session of one key. */
export type OpenSession = () => Promise<StdioSession>

/**
 * Sessions that are leased for one exchange. A share of a child is leased to many at once; an exclusive session to one,
 * and waits here for the next, until its child is stopped as idle.
 */
export class SessionPool {
  readonly #shares = new Map<string, StdioSession>()
  /** The one that has waited longest first. */
  #waiting: readonly Waiting[] = []

  /** A session that others may use at the same time. */
  async share(key: string, open: OpenSession): Promise<SessionLease> {
    const kept = this.#liveShare(key)
    if (kept) return { session: kept, release: nothing }
    const opened = await open()
    // Another caller may have been quicker; starting the child was one flight in any case.
    const winner = this.#liveShare(key) ?? opened
    if (winner !== opened) await opened.close()
    this.#tidy()
    this.#shares.set(key, winner)
    return { session: winner, release: nothing }
  }

  /** A session that nobody else uses until it is released. */
  async exclusive(key: string, context: string, open: OpenSession): Promise<SessionLease> {
    const session = this.#takeWaiting(key) ?? (await open())
    let leased = true
    return {
      session,
      release: () => {
        if (leased) this.#giveBack({ key, context, session })
        leased = false
      },
    }
  }

  /**
   * Makes room for another child of `context`: ends the session of that context that has waited longest for use.
   * Resolves when its child is gone; false if none waits.
   */
  async evict(context: string): Promise<boolean> {
    const oldest = this.#waiting.find((one) => one.context === context && !one.session.ended.aborted)
    if (!oldest) return false
    this.#waiting = this.#waiting.filter((one) => one !== oldest)
    await oldest.session.close()
    return true
  }

  #liveShare(key: string): StdioSession | undefined {
    const kept = this.#shares.get(key)
    return kept?.ended.aborted ? undefined : kept
  }

  #takeWaiting(key: string): StdioSession | undefined {
    this.#waiting = this.#waiting.filter(({ session }) => !session.ended.aborted)
    const taken = this.#waiting.findLast((one) => one.key === key)
    this.#waiting = this.#waiting.filter((one) => one !== taken)
    return taken?.session
  }

  #giveBack(waiting: Waiting): void {
    if (!waiting.session.ended.aborted) this.#waiting = [...this.#waiting, waiting]
  }

  #tidy(): void {
    if (this.#shares.size < TIDY_ABOVE) return
    for (const [key, session] of this.#shares) {
      if (!session.isQuiet) continue
      this.#shares.delete(key)
      void session.close()
    }
  }
}

function nothing(): void {
  // A share is not taken from anybody, so there is nothing to give back.
}
