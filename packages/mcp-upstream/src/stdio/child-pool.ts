import type { ReadyChild, Supervisor } from './supervisor.js'

/** How long a caller is ready to wait for a child. */
export interface AcquireOptions {
  readonly signal: AbortSignal
  /** For a backoff to end, in milliseconds. */
  readonly maxWaitMs: number
}

/** Up to `size` equal children. Another one is started when all that run are busy. */
export class ChildPool {
  readonly #supervisors: readonly Supervisor[]

  constructor(supervisors: readonly Supervisor[]) {
    this.#supervisors = supervisors
  }

  get supervisors(): readonly Supervisor[] {
    return this.#supervisors
  }

  /** The ready child with the fewest requests in flight; undefined if none is ready. The hot path: no waiting. */
  tryAcquire(): ReadyChild | undefined {
    let best: ReadyChild | undefined
    for (const { ready } of this.#supervisors) {
      if (ready && (!best || loadOf(ready) < loadOf(best))) best = ready
    }
    if (best && this.#supervisors.length > 1 && loadOf(best) > 0) this.#grow()
    return best
  }

  /** As {@link ChildPool.tryAcquire}, starting the first child if none is ready. Throws what the supervisor throws. */
  async acquire(options: AcquireOptions): Promise<ReadyChild> {
    const ready = this.tryAcquire()
    if (ready) return ready
    const [first] = this.#supervisors
    if (!first) throw new RangeError('mcp-upstream: a pool needs a supervisor')
    return await first.acquire(options)
  }

  /** Nothing runs, and nothing is on its way up or down. */
  get isStopped(): boolean {
    return this.#supervisors.every(({ state }) => state === 'stopped')
  }

  async restart(): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.restart()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.close()))
  }

  /** Starts one more child in the background; those that run serve on. Its failure is in the policy and in the events. */
  #grow(): void {
    if (this.#supervisors.some(({ state }) => state === 'starting')) return
    const next = this.#supervisors.find(({ state }) => state === 'stopped')
    next?.acquire({ signal: new AbortController().signal, maxWaitMs: 0 }).catch(reportedElsewhere)
  }
}

function loadOf({ channel }: ReadyChild): number {
  return channel.multiplexer.inFlight
}

function reportedElsewhere(): void {
  // The supervisor has counted the failure; the next caller that needs this child is told.
}
