import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeRecord } from '@mcp-platform/store-kysely/gateway'
import { isDatabaseFailure } from '../database/failure.js'
import type { DatabaseWatch } from '../database/watch.js'
import type { Chore } from './chore.js'

/** Of the list of nodes, what is used here. */
export interface NodeList {
  heartbeat(node: { readonly id: string; readonly details?: Readonly<Record<string, unknown>> }): Promise<void>
  live(withinMs: number): Promise<readonly NodeRecord[]>
  remove(id: string): Promise<void>
}

/** Options of {@link Membership}. */
export interface MembershipOptions {
  readonly id: string
  /** What the other nodes should know of this one; no secrets. */
  readonly details: Readonly<Record<string, unknown>>
  readonly nodes: NodeList
  readonly watch: DatabaseWatch
  /** What one node does for all. */
  readonly chores: readonly Chore[]
  /** Time between heartbeats, in milliseconds. */
  readonly intervalMs: number
  /** Other than that the database does not answer, which the watch tells. */
  readonly onError: (error: unknown) => void
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: (() => number) | undefined
}

/** After three heartbeats that did not come, a node counts as gone. */
const MISSED = 3
/** While the database does not answer: soon, as the heartbeat is what finds out that it takes writes again. */
const RETRY_MS = 1_000
const LEAVE_MS = 2_000
/** For a node that nobody has heard of the list is read again, at most this often. */
const LOOK_AGAIN_MS = 1_000

/** Makes this node known to the others, knows how many there are, and does its share of what one does for all. */
export class Membership {
  readonly #options: MembershipOptions
  readonly #stop = new AbortController()
  #nap = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #live: readonly NodeRecord[] = []
  #details: Readonly<Record<string, unknown>>
  #failed = false
  #mercyUntil = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  readonly #now: () => number
  readonly #followers = new Set<(live: readonly NodeRecord[]) => void>()

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#details = options.details
    this.#now = options.now ?? (() => performance.now())
  }

  get id(): string {
    return this.#options.id
  }

  /** Nodes that were alive at the last look; at least this one. While the database is down: as many as before. */
  get count(): number {
    return Math.max(1, this.#live.length)
  }

  /** The nodes themselves, by id. */
  get live(): readonly NodeRecord[] {
    return this.#live
  }

  /**
   * A node that is alive, also one that came a moment ago: for an id that is not known, or of which not enough is known yet
   * (`suffices`), the list is read again, at most once a second over all that ask. Undefined for one that is gone.
   */
  async find(id: string, suffices: (node: NodeRecord) => boolean = () => true): Promise<NodeRecord | undefined> {
    const known = this.#liveOne(id)
    if (known !== undefined && suffices(known)) return known
    await this.#lookAgain()
    return this.#liveOne(id)
  }

  /** Tells of the nodes that are alive, at every look. @returns how to stop */
  follow(listener: (live: readonly NodeRecord[]) => void): () => void {
    this.#followers.add(listener)
    return () => void this.#followers.delete(listener)
  }

  /** Tells the others more of this node. Resolves when they can know it; while the database is down it is told later. */
  async announce(details: Readonly<Record<string, unknown>>): Promise<void> {
    const { id, nodes, watch, onError } = this.#options
    this.#details = { ...this.#details, ...details }
    try {
      await watch.write(() => nodes.heartbeat({ id, details: this.#details }))
    } catch (error) {
      if (!isDatabaseFailure(error)) onError(error)
    }
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Looks soon: the database was lost, and the next heartbeat finds out when it is back. */
  wake(): void {
    this.#nap.abort()
  }

  /** Leaves: the others need not wait until this node counts as gone. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#leave(), sleep(LEAVE_MS, undefined, { ref: false })])
  }

  async #leave(): Promise<void> {
    await this.#running
    const { nodes, watch, id, chores } = this.#options
    if (watch.state === 'unavailable') return
    // Whoever cannot say goodbye is seen to be gone.
    await Promise.allSettled([nodes.remove(id), ...chores.map((chore) => chore.release())])
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const { intervalMs } = this.#options
    while (!signal.aborted) {
      const good = await this.#turn()
      await this.#rest(good ? intervalMs : RETRY_MS)
    }
  }

  async #rest(ms: number): Promise<void> {
    this.#nap = new AbortController()
    await rest(ms, AbortSignal.any([this.#stop.signal, this.#nap.signal]))
    if (this.#nap.signal.aborted) await rest(RETRY_MS, this.#stop.signal)
  }

  async #turn(): Promise<boolean> {
    const { id, nodes, watch, chores, onError } = this.#options
    try {
      await watch.write(() => nodes.heartbeat({ id, details: this.#details }))
      this.#recovered()
      await this.#look()
      for (const chore of chores) await watch.write(() => chore.turn(this.#stop.signal))
      return true
    } catch (error) {
      this.#failed = true
      if (!isDatabaseFailure(error)) onError(error)
      return false
    }
  }

  // While the database was down nobody's heart could beat: those that lived before get the time to say that they still do.
  #recovered(): void {
    if (this.#failed) this.#mercyUntil = this.#now() + this.#options.intervalMs * MISSED
    this.#failed = false
  }

  async #look(): Promise<void> {
    const { nodes, watch, intervalMs } = this.#options
    const seen = await watch.read(() => nodes.live(intervalMs * MISSED))
    const spared =
      this.#now() < this.#mercyUntil ? this.#live.filter(({ id }) => !seen.some((node) => node.id === id)) : []
    this.#live = [...seen, ...spared]
    for (const follower of this.#followers) follower(this.#live)
  }

  #liveOne(id: string): NodeRecord | undefined {
    return this.#live.find((node) => node.id === id)
  }

  #lookAgain(): Promise<void> {
    const isSoon = this.#now() - this.#lookedAt < LOOK_AGAIN_MS
    if (this.#looking !== undefined) return this.#looking
    if (isSoon || this.#options.watch.state === 'unavailable') return Promise.resolve()
    this.#lookedAt = this.#now()
    // What the database fails with is told by its watch.
    this.#looking = this.#look()
      .catch(() => undefined)
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }
}

/** Resolves after a while, or when the signal aborts. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  // Its only rejection is that of the signal.
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
