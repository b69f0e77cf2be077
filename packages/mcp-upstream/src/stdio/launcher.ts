import type { OnUpstreamEvent } from '../events.js'
import type { ServerIdentity } from '../upstream.js'
import { Channel } from './channel.js'
import { type LaunchSpec, type StopGrace, spawnChild } from './child.js'
import type { ChildBudget } from './child-budget.js'
import type { ChildLedger } from './orphans.js'
import type { ReadyChild } from './supervisor.js'

/** What every child of one connection is started with. */
export interface LauncherOptions {
  readonly spec: LaunchSpec
  readonly instance: string
  readonly budget: ChildBudget
  readonly ledger?: ChildLedger | undefined
  readonly stopGrace?: StopGrace | undefined
  readonly maxAnswerBytes: number
  readonly now: () => number
  readonly onEvent?: OnUpstreamEvent | undefined
}

/** One start of a child that is to become ready. */
export interface ReadyLaunch {
  /** Whom it serves; undefined: everybody. */
  readonly context: string | undefined
  /** Opens the conversation: `server/discover` or `initialize`. */
  open(channel: Channel, signal: AbortSignal): Promise<ServerIdentity>
  readonly signal: AbortSignal
}

/** Starts the children of one connection and knows all of them until the last of their processes is gone. */
export class Launcher {
  readonly #options: LauncherOptions
  readonly #channels = new Set<Channel>()
  readonly #ending = new Set<Promise<void>>()
  #troubled = false

  constructor(options: LauncherOptions) {
    this.#options = options
  }

  /** The last thing that happened was a failed start or an unexpected exit. */
  get isTroubled(): boolean {
    return this.#troubled
  }

  /** Children that run now. */
  get channels(): ReadonlySet<Channel> {
    return this.#channels
  }

  /**
   * Starts a child that serves `context` (undefined: everybody). It has not been spoken to yet.
   * @throws UpstreamBusyError if the budget is used up, UpstreamSpawnFailedError if it cannot be started.
   */
  async launch(context: string | undefined): Promise<Channel> {
    const { budget, instance, spec, stopGrace, ledger } = this.#options
    const release = budget.acquire({ context, instance })
    try {
      const child = await spawnChild(spec, stopGrace)
      ledger?.record(child.pid)
      const channel = new Channel(child, this.#options)
      this.#options.onEvent?.({ type: 'child_started', pid: child.pid, context: context ?? 'shared' })
      this.#follow(channel, release)
      return channel
    } catch (error) {
      this.#troubled = true
      release()
      throw error
    }
  }

  /**
   * Starts a child and opens the conversation with `open`; a child with which that fails is stopped.
   * Throws what {@link Launcher.launch} and `open` throw.
   */
  async launchReady({ context, open, signal }: ReadyLaunch): Promise<ReadyChild> {
    const channel = await this.launch(context)
    try {
      const identity = await open(channel, signal)
      this.#becameReady(channel, context)
      this.#troubled = false
      return { channel, identity }
    } catch (error) {
      this.#troubled = true
      void channel.stop()
      throw error
    }
  }

  /** By now the helpers of the child exist, so the run file learns of them. */
  #becameReady(channel: Channel, context: string | undefined): void {
    this.#options.ledger?.refresh(channel.pid)
    const afterMs = this.#options.now() - channel.startedAtMs
    this.#options.onEvent?.({ type: 'child_ready', pid: channel.pid, context: context ?? 'shared', afterMs })
  }

  /** Stops all children, and waits until none of their processes is left (bounded by the grace of stopping). */
  async close(): Promise<void> {
    for (const channel of this.#channels) void channel.stop()
    await Promise.all(this.#ending)
  }

  #follow(channel: Channel, release: () => void): void {
    this.#channels.add(channel)
    channel.ended.addEventListener('abort', () => this.#track(channel, release), { once: true })
  }

  #track(channel: Channel, release: () => void): void {
    this.#channels.delete(channel)
    if (channel.end === 'exited') this.#troubled = true
    const ending = channel.stop().finally(() => {
      release()
      this.#options.ledger?.forget(channel.pid)
      this.#ending.delete(ending)
    })
    this.#ending.add(ending)
  }
}
