import { setTimeout as sleep } from 'node:timers/promises'
import {
  UpstreamBusyError,
  UpstreamChildExitedError,
  UpstreamClosedError,
  UpstreamError,
  UpstreamNotIdentifiedError,
  UpstreamTimeoutError,
} from '../errors.js'
import type { OnUpstreamEvent } from '../events.js'
import type { ServerIdentity } from '../upstream.js'
import { abortable } from './abortable.js'
import type { Channel } from './channel.js'
import type { RestartPolicy } from './restart-policy.js'

/** Where a supervised child stands. `stopped`: nobody has asked for it, or it was idle; the next use starts it. */
export type SupervisorState = 'stopped' | 'starting' | 'ready' | 'backoff' | 'stopping' | 'crash_loop'

/** A child that has answered `server/discover` or `initialize`. */
export interface ReadyChild {
  readonly channel: Channel
  readonly identity: ServerIdentity
}

/** What a {@link Supervisor} needs. */
export interface SupervisorOptions {
  /** Starts a child and opens the conversation; must leave nothing behind when it rejects. */
  launch(signal: AbortSignal): Promise<ReadyChild>
  /** Shared by supervisors whose exits count together. */
  readonly policy: RestartPolicy
  /** From the start of the process to its first answer, in milliseconds. @default 30_000 */
  readonly startTimeoutMs?: number | undefined
  /** A child that nobody used for so long is stopped, in milliseconds. @default 600_000 */
  readonly idleStopMs?: number | undefined
  readonly now: () => number
  readonly onEvent?: OnUpstreamEvent | undefined
}

/** Servers started through a package runner download first. */
export const DEFAULT_START_TIMEOUT_MS = 30_000
export const DEFAULT_IDLE_STOP_MS: number = 10 * 60_000

/**
 * Keeps one child running as long as it is used: starts it when asked for, again after an exit when the policy allows,
 * and stops it when it is idle. Starting is single flight.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #closing = new AbortController()
  #ready: ReadyChild | undefined
  #readyAtMs = 0
  #starting: Promise<ReadyChild> | undefined
  #launching = false
  #stopping: Promise<void> | undefined
  #idleTimer: NodeJS.Timeout | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  get state(): SupervisorState {
    if (this.#stopping) return 'stopping'
    if (this.#ready) return 'ready'
    if (this.#launching) return 'starting'
    const gate = this.#options.policy.gate(this.#options.now())
    if (gate.state !== 'open') return gate.state
    return this.#starting ? 'starting' : 'stopped'
  }

  /** The child, if it is ready now. */
  get ready(): ReadyChild | undefined {
    return this.#ready
  }

  /**
   * The child, started if need be. `maxWaitMs` bounds the waiting for a backoff, not the start itself, which goes on for
   * others when `signal` aborts.
   * @throws UpstreamCrashLoopError while it is not tried again; UpstreamSpawnFailedError, UpstreamChildExitedError,
   * UpstreamTimeoutError when the start fails, UpstreamBusyError without a place. Nothing was sent in any of these.
   */
  async acquire(options: { readonly signal: AbortSignal; readonly maxWaitMs: number }): Promise<ReadyChild> {
    if (this.#ready) return this.#ready
    if (this.#closing.signal.aborted) throw new UpstreamClosedError()
    const refusal = this.#options.policy.refusal(this.#options.now(), options.maxWaitMs)
    if (refusal) throw refusal
    return await abortable(this.#start(), options.signal)
  }

  /** An operator wants it running: forgets all exits, and stops the present child so that the next use starts a new one. */
  async restart(): Promise<void> {
    this.#options.policy.clear()
    await this.#stopChild('closed')
  }

  /** Stops the child and refuses further use. Idempotent, bounded, never rejects. */
  async close(): Promise<void> {
    this.#closing.abort(new UpstreamClosedError())
    await this.#stopChild('closed')
    // A start that was under way sees the abort, cleans up behind itself, and is no news to anybody.
    await this.#starting?.then(noop, noop)
  }

  #start(): Promise<ReadyChild> {
    this.#starting ??= this.#gatedLaunch().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  async #gatedLaunch(): Promise<ReadyChild> {
    await this.#stopping
    await this.#waitForGate()
    this.#launching = true
    try {
      const child = await this.#launch()
      this.#becomeReady(child)
      return child
    } finally {
      this.#launching = false
    }
  }

  async #waitForGate(): Promise<void> {
    const { policy, now } = this.#options
    const gate = policy.gate(now())
    if (gate.state === 'open') return
    const { signal } = this.#closing
    await sleep(gate.untilMs - now(), undefined, { signal, ref: false }).catch(() => signal.throwIfAborted())
  }

  async #launch(): Promise<ReadyChild> {
    const timeoutMs = this.#options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      return await this.#options.launch(AbortSignal.any([timeout, this.#closing.signal]))
    } catch (error) {
      const failure = timeout.aborted
        ? new UpstreamTimeoutError({ timer: 'connect', afterMs: timeoutMs, sent: false })
        : unsent(error)
      if (this.#closing.signal.aborted) throw new UpstreamClosedError()
      if (countsAsExit(failure)) this.#failed(failure)
      throw failure
    }
  }

  #becomeReady(child: ReadyChild): void {
    this.#ready = child
    this.#readyAtMs = this.#options.now()
    child.channel.ended.addEventListener('abort', () => this.#onEnded(child), { once: true })
    if (child.channel.ended.aborted) this.#onEnded(child)
    else this.#watchIdle(this.#idleStopMs)
  }

  #onEnded({ channel }: ReadyChild): void {
    if (this.#ready?.channel !== channel) return
    clearTimeout(this.#idleTimer)
    this.#ready = undefined
    if (channel.end === 'exited') this.#failed(channel.exitError(false), this.#options.now() - this.#readyAtMs)
  }

  #failed(failure: UpstreamError, readyForMs?: number): void {
    const gate = this.#options.policy.exited({ atMs: this.#options.now(), readyForMs, failure })
    if (gate.state !== 'crash_loop') return
    const { exits, retryAt } = this.#options.policy.crashLoopError(gate.untilMs)
    this.#options.onEvent?.({ type: 'child_crash_loop', exits, retryAt })
  }

  get #idleStopMs(): number {
    return this.#options.idleStopMs ?? DEFAULT_IDLE_STOP_MS
  }

  #watchIdle(afterMs: number): void {
    this.#idleTimer = setTimeout(() => this.#stopIfIdle(), afterMs).unref()
  }

  #stopIfIdle(): void {
    const leftMs = this.#idleStopMs - (this.#ready?.channel.multiplexer.idleMs() ?? 0)
    if (leftMs > 0) this.#watchIdle(leftMs)
    else void this.#stopChild('idle')
  }

  async #stopChild(because: 'idle' | 'closed'): Promise<void> {
    const channel = this.#ready?.channel
    if (channel) {
      this.#stopping = channel.stop(because).finally(() => {
        this.#stopping = undefined
      })
    }
    await this.#stopping
  }
}

/** A failure of our own bounds is no exit of the child. */
function countsAsExit(failure: unknown): failure is UpstreamError {
  return failure instanceof UpstreamError && !(failure instanceof UpstreamBusyError)
}

/** What failed was our handshake: of the caller's message nothing was sent. */
function unsent(error: unknown): unknown {
  if (!(error instanceof UpstreamError) || !error.sent) return error
  if (!(error instanceof UpstreamChildExitedError)) {
    const detail = error instanceof UpstreamNotIdentifiedError ? error.detail : 'the handshake failed'
    return new UpstreamNotIdentifiedError({ detail, cause: error, sent: false })
  }
  const { exitCode, signal, stderrTail } = error
  return new UpstreamChildExitedError({ exitCode, signal, stderrTail, sent: false })
}

function noop(): void {
  // The outcome is reported to those who asked for it.
}
