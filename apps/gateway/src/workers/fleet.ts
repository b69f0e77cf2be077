import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayStartError, isStartFailure, reasonOf, systemCode } from '../errors.js'
import type { FleetEvent } from './events.js'
import type { Handlers } from './link.js'
import type { PrimaryMethods, WorkerConfig, WorkerMethods, WorkerState } from './protocol.js'
import { WorkerProcess } from './worker-process.js'

/** Pause before a worker is replaced: doubles with each that dies young, in milliseconds. */
const BACKOFF_MS = { first: 100, most: 10_000 }
/** A worker that lived for this long did not die of its start, in milliseconds. */
const GROWN_UP_MS = 30_000
/** How long workers may take to say what they have counted, in milliseconds. */
const COUNT_MS = 500
/** What a worker may take beyond the grace to release everything, in milliseconds. */
const RELEASE_MS = 5_000

/** Options of {@link Fleet}. */
export interface FleetOptions {
  readonly size: number
  readonly config: (home: string) => WorkerConfig
  /** What a worker must know when it begins. */
  readonly state: () => Omit<WorkerState, 'homes'>
  readonly handlers: (home: string) => Handlers<PrimaryMethods>
  /** A worker is gone; nobody will speak for its home again. */
  readonly onGone: (home: string) => void
  readonly onEvent: (event: FleetEvent) => void
  /** 0 <= x < 1. @default Math.random */
  readonly random?: (() => number) | undefined
}

interface Slot {
  readonly number: number
  worker: WorkerProcess | undefined
  /** Workers in a row that died young. */
  youngDeaths: number
}

/** The worker processes: starts them, replaces those that die, tells them what changes, and drains them. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #random: () => number
  readonly #closing = new AbortController()
  readonly #slots: readonly Slot[]
  #started = false

  constructor(options: FleetOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
    this.#slots = Array.from({ length: options.size }, (_, index) => ({
      number: index + 1,
      worker: undefined,
      youngDeaths: 0,
    }))
  }

  /** Workers that serve now. */
  get serving(): number {
    return this.#workers().filter(({ serving }) => serving).length
  }

  /** Starts the processes, so that they load their program while the primary gets ready. */
  fork(): void {
    for (const slot of this.#slots) this.#fork(slot)
  }

  /**
   * Resolves when every worker serves.
   * @throws GatewayStartError with the reason of the first that cannot
   */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#workers().map((worker) => this.#begin(worker)))
    } catch (error) {
      throw asStartError(error)
    }
    this.#started = true
  }

  /** Tells all workers; one that has not begun yet will begin with what is true then. */
  tell<K extends keyof WorkerMethods & string>(name: K, ...args: Parameters<WorkerMethods[K]>): void {
    for (const { begun, link } of this.#workers()) if (begun) link.tell(name, ...args)
  }

  /** Resolves when every worker has told its counters, after half a second at the latest. */
  async count(): Promise<void> {
    const told = this.#workers()
      .filter(({ serving }) => serving)
      .map(({ link }) => link.ask('count'))
    if (told.length > 0) await withTimeout(Promise.allSettled(told), COUNT_MS)
  }

  /** Lets all workers finish what they have, side by side, and ends them. `hurry` skips the wait. */
  async drain(options: { readonly graceMs: number; readonly hurry: AbortSignal }): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#workers().map((worker) => drain(worker, options)))
  }

  /** Ends all workers at once. */
  async kill(): Promise<void> {
    this.#closing.abort()
    const workers = this.#workers()
    for (const worker of workers) worker.kill()
    await Promise.all(workers.map(({ exited }) => exited))
  }

  #workers(): WorkerProcess[] {
    return this.#slots.flatMap(({ worker }) => worker ?? [])
  }

  #fork(slot: Slot): WorkerProcess {
    const home = `w${slot.number}-${randomBytes(6).toString('hex')}`
    const worker = new WorkerProcess(home, this.#options.handlers(home))
    slot.worker = worker
    void this.#watch(slot, worker)
    return worker
  }

  async #begin(worker: WorkerProcess): Promise<void> {
    const { config, state, onEvent } = this.#options
    worker.begun = true
    const homes = this.#workers().map(({ home }) => home)
    await worker.link.ask('begin', { config: config(worker.home), state: { ...state(), homes } })
    await worker.link.ask('listen')
    worker.serving = true
    onEvent({ type: 'worker-serves', worker: worker.home, workerPid: worker.pid })
  }

  async #watch(slot: Slot, worker: WorkerProcess): Promise<void> {
    const exit = await worker.exited
    slot.worker = undefined
    this.#options.onGone(worker.home)
    this.#tellHomes()
    if (!this.#started || this.#closing.signal.aborted) return
    const delayMs = this.#backOff(slot, worker)
    const { home, pid } = worker
    this.#options.onEvent({ type: 'worker-exited', worker: home, workerPid: pid, ...exit, replacedInMs: delayMs })
    await this.#replace(slot, delayMs)
  }

  async #replace(slot: Slot, delayMs: number): Promise<void> {
    const { signal } = this.#closing
    // Only the end of the gateway aborts it.
    await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const worker = this.#fork(slot)
    this.#tellHomes()
    try {
      await this.#begin(worker)
    } catch (error) {
      if (!signal.aborted) this.#options.onEvent({ type: 'worker-failed', worker: worker.home, error })
      worker.kill()
    }
  }

  #backOff(slot: Slot, worker: WorkerProcess): number {
    const young = performance.now() - worker.startedAtMs < GROWN_UP_MS
    slot.youngDeaths = young ? slot.youngDeaths + 1 : 0
    const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** slot.youngDeaths)
    return Math.round(most * (0.5 + this.#random() / 2))
  }

  #tellHomes(): void {
    this.tell(
      'homes',
      this.#workers().map(({ home }) => home),
    )
  }
}

async function drain(
  worker: WorkerProcess,
  { graceMs, hurry }: { readonly graceMs: number; readonly hurry: AbortSignal },
): Promise<void> {
  const onHurry = (): void => worker.link.tell('hurry')
  if (hurry.aborted) onHurry()
  else hurry.addEventListener('abort', onHurry, { once: true })
  // A worker that cannot drain is ended all the same.
  if (worker.serving)
    await withTimeout(
      worker.link.ask('drain', { graceMs }).catch(() => undefined),
      graceMs + RELEASE_MS,
    )
  hurry.removeEventListener('abort', onHurry)
  worker.link.tell('exit')
  await withTimeout(worker.exited, RELEASE_MS)
  worker.kill()
}

async function withTimeout(work: Promise<unknown>, ms: number): Promise<void> {
  const given = new AbortController()
  await Promise.race([work, sleep(ms, undefined, { signal: given.signal, ref: false }).catch(() => undefined)])
  given.abort()
}

function asStartError(error: unknown): GatewayStartError {
  const code = systemCode(error)
  if (code !== undefined && isStartFailure(code)) return new GatewayStartError(code, reasonOf(error), error)
  const reason =
    code === 'LINK_CLOSED' ? 'it ended; what it wrote to the standard error stream says why' : reasonOf(error)
  return new GatewayStartError('WORKER_FAILED', `a worker process could not start: ${reason}`, error)
}
