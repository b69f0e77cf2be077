import type { AcquireOptions } from './child-pool.js'
import type { ReadyChild, Supervisor } from './supervisor.js'

interface LoneChild {
  readonly context: string
  readonly supervisor: Supervisor
}

/** A child that nobody else uses until it is released. */
export interface LoneLease {
  readonly child: ReadyChild
  release(): void
}

/**
 * Children of a modern server that run one request at a time, each for one authorization context: what they say besides
 * the answer can only belong to that request. They stop when idle, like all children.
 */
export class LoneChildren {
  readonly #supervise: (context: string) => Supervisor
  readonly #all = new Set<LoneChild>()
  /** The one that has waited longest first. */
  readonly #waiting = new Set<LoneChild>()

  constructor(supervise: (context: string) => Supervisor) {
    this.#supervise = supervise
  }

  get supervisors(): readonly Supervisor[] {
    return [...this.#all].map(({ supervisor }) => supervisor)
  }

  /** Throws what `Supervisor.acquire` throws; UpstreamBusyError when there is no place for another child. */
  async lease(context: string, options: AcquireOptions): Promise<LoneLease> {
    this.#forgetStopped()
    const one = this.#takeWaiting(context) ?? this.#add(context)
    try {
      const child = await one.supervisor.acquire(options)
      return { child, release: () => void (this.#all.has(one) && this.#waiting.add(one)) }
    } catch (error) {
      this.#all.delete(one)
      void one.supervisor.close()
      throw error
    }
  }

  /** Makes room: stops the child of `context` that has waited longest. False if none waits. */
  async evict(context: string): Promise<boolean> {
    const oldest = [...this.#waiting].find((one) => one.context === context && one.supervisor.ready)
    if (!oldest) return false
    this.#waiting.delete(oldest)
    this.#all.delete(oldest)
    await oldest.supervisor.close()
    return true
  }

  async close(): Promise<void> {
    this.#waiting.clear()
    const all = this.supervisors
    this.#all.clear()
    await Promise.all(all.map((supervisor) => supervisor.close()))
  }

  #takeWaiting(context: string): LoneChild | undefined {
    const found = [...this.#waiting].findLast((one) => one.context === context)
    if (found) this.#waiting.delete(found)
    return found
  }

  #add(context: string): LoneChild {
    const one = { context, supervisor: this.#supervise(context) }
    this.#all.add(one)
    return one
  }

  #forgetStopped(): void {
    for (const one of this.#waiting) {
      if (one.supervisor.state !== 'stopped') continue
      this.#waiting.delete(one)
      this.#all.delete(one)
    }
  }
}
