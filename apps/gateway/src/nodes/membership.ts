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
}

/** After three heartbeats that did not come, a node counts as gone. */
const MISSED = 3
/** While the database does not answer: soon, as the heartbeat is what finds out that it takes writes again. */
const RETRY_MS = 1_000
const LEAVE_MS = 2_000

/** Makes this node known to the others, knows how many there are, and does its share of what one does for all. */
export class Membership {
  readonly #options: MembershipOptions
  readonly #stop = new AbortController()
  #nap = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #live: readonly NodeRecord[] = []

  constructor(options: MembershipOptions) {
    this.#options = options
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
    const { id, details, nodes, watch, intervalMs, chores, onError } = this.#options
    try {
      await watch.write(() => nodes.heartbeat({ id, details }))
      this.#live = await watch.read(() => nodes.live(intervalMs * MISSED))
      for (const chore of chores) await watch.write(() => chore.turn(this.#stop.signal))
      return true
    } catch (error) {
      if (!isDatabaseFailure(error)) onError(error)
      return false
    }
  }
}

/** Resolves after a while, or when the signal aborts. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  // Its only rejection is that of the signal.
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
