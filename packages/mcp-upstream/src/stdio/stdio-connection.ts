import {
  UpstreamBusyError,
  UpstreamClosedError,
  UpstreamError,
  UpstreamNotIdentifiedError,
  UpstreamSpawnFailedError,
  UpstreamTimeoutError,
} from '../errors.js'
import { ownRequest, ownSessionInit } from '../own-requests.js'
import type {
  Connection,
  Era,
  ExchangeOptions,
  ServerIdentity,
  SessionInit,
  SessionKey,
  SessionLease,
  Upstream,
  UpstreamSession,
} from '../upstream.js'
import { abortable } from './abortable.js'
import type { Channel } from './channel.js'
import { ChildPool } from './child-pool.js'
import { discover, initialize } from './handshake.js'
import { Launcher } from './launcher.js'
import { LegacyChildren } from './legacy-children.js'
import { LoneChildren } from './lone-children.js'
import { ModernUpstream } from './modern-upstream.js'
import { PolicyBook } from './policy-book.js'
import { type CallBounds, call } from './rpc.js'
import { SessionPool } from './session-pool.js'
import { type StdioConnectionOptions, type StdioSettings, stdioSettings } from './stdio-options.js'
import { type Seat, StdioSession } from './stdio-session.js'
import { type ReadyChild, Supervisor } from './supervisor.js'

/** One running child, for people who look after it. */
export interface StdioChildStatus {
  readonly pid: number
  readonly startedAt: Date
  readonly inFlight: number
  /** Late, unknown and unwanted messages since its start. */
  readonly droppedMessages: number
  /** The last lines of its stderr. Not for callers. */
  readonly stderrTail: readonly string[]
}

/** How the children of a connection are. */
export interface StdioStatus {
  /** `backoff` and `crash_loop`: nothing runs, and the next start is allowed at `retryAt`. */
  readonly state: 'ok' | 'backoff' | 'crash_loop'
  readonly retryAt: Date | undefined
  readonly children: readonly StdioChildStatus[]
}

/**
 * A server that is a child process of ours. Children start with their first use, are shared as the options say, start
 * again after an exit when the restart policy allows, and stop when nobody uses them. Close it, or they stay.
 */
export class StdioConnection implements Connection {
  readonly modern: Upstream
  readonly #settings: StdioSettings
  readonly #launcher: Launcher
  readonly #policies: PolicyBook
  readonly #modernPool: ChildPool
  readonly #lone: LoneChildren
  readonly #legacy: LegacyChildren
  readonly #sessions = new SessionPool()
  readonly #closing = new AbortController()
  #identity: ServerIdentity | undefined
  #identifying: Promise<ServerIdentity> | undefined

  /** Starts nothing. @throws RangeError for an option out of its range. */
  constructor(options: StdioConnectionOptions) {
    const settings = stdioSettings(options)
    this.#settings = settings
    this.#launcher = new Launcher(settings)
    this.#policies = new PolicyBook(settings)
    this.#modernPool = new ChildPool(Array.from({ length: settings.poolSize }, () => this.#superviseModern()))
    this.#lone = new LoneChildren((context) => this.#superviseModern(context))
    this.modern = new ModernUpstream(this.#modernPool, this.#lone)
    this.#legacy = new LegacyChildren({
      sharing: settings.sharing,
      poolSize: settings.poolSize,
      ownInit: ownSessionInit(settings.clientInfo),
      supervise: (context, init) => this.#superviseLegacy(context, init),
    })
  }

  get identity(): ServerIdentity | undefined {
    return this.#identity
  }

  async identify(options: ExchangeOptions): Promise<ServerIdentity> {
    if (this.#identity) return this.#identity
    this.#identifying ??= this.#identify(options.limits.connectMs).finally(() => {
      this.#identifying = undefined
    })
    return await abortable(this.#identifying, options.signal)
  }

  forget(): void {
    this.#identity = undefined
    this.#legacy.forget()
  }

  async openSession(init: SessionInit, context: string, options: ExchangeOptions): Promise<UpstreamSession> {
    return await this.#open({ context, init }, options, false)
  }

  async leaseSession(key: SessionKey, options: ExchangeOptions): Promise<SessionLease> {
    const open = (): Promise<StdioSession> => this.#open(key, options, true)
    if (!this.#needsOwnChild(key)) return await this.#sessions.share(this.#legacy.keyOf(key), open)
    const { protocolVersion, capabilities } = key.init
    return await this.#sessions.exclusive(
      JSON.stringify([key.context, protocolVersion, capabilities]),
      key.context,
      open,
    )
  }

  /**
   * Tells whether the server works, without being use of a child: asks those that run (`ping`, or `server/discover`);
   * one answer is enough. A child that does not answer although nobody else waits for it is ended.
   * With none running it is content, since children are started by use, unless the server is not known yet or the last
   * child failed: then it starts one. Resolves with who the server is, rejects with an
   * UpstreamError.
   */
  async probe(options: ExchangeOptions): Promise<ServerIdentity> {
    const ready = this.#supervisors.flatMap((supervisor) => supervisor.ready ?? [])
    if (ready.length > 0) return await firstOf(ready.map((child) => this.#ask(child, options)))
    if (!this.#identity) return await this.identify(options)
    return this.#launcher.isTroubled ? await this.#startAgain(this.#identity.era, options) : this.#identity
  }

  status(): StdioStatus {
    const gate = this.#policies.closedGate()
    const isUp = gate === undefined || this.#supervisors.some(({ ready }) => ready !== undefined)
    return {
      state: isUp ? 'ok' : gate.state,
      retryAt: isUp ? undefined : new Date(gate.untilMs),
      children: [...this.#launcher.channels].map(statusOf),
    }
  }

  /** An operator's wish: forgets crashes and backoffs, and stops the present children; the next use starts new ones. */
  async restart(): Promise<void> {
    this.#policies.clear()
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.restart()))
  }

  async close(): Promise<void> {
    this.#closing.abort(new UpstreamClosedError())
    await Promise.all([this.#modernPool.close(), this.#lone.close(), this.#legacy.close()])
    await this.#launcher.close()
  }

  get #supervisors(): readonly Supervisor[] {
    return [...this.#modernPool.supervisors, ...this.#lone.supervisors, ...this.#legacy.supervisors]
  }

  async #identify(maxWaitMs: number): Promise<ServerIdentity> {
    if (this.#closing.signal.aborted) throw new UpstreamClosedError()
    const identity = await this.#findIdentity(maxWaitMs)
    this.#identity = identity
    this.#settings.onEvent?.({ type: 'era_detected', era: identity.era, identity })
    return identity
  }

  async #findIdentity(maxWaitMs: number): Promise<ServerIdentity> {
    const acquire = { signal: this.#closing.signal, maxWaitMs }
    const { protocol } = this.#settings
    if (protocol === 'modern') return (await this.#modernPool.acquire(acquire)).identity
    if (protocol === 'legacy') return await this.#legacy.identify(acquire)
    // While the policy forbids starts, detection must not start children either.
    const refusal = this.#policies.refusal(maxWaitMs)
    if (refusal) throw refusal
    return (await this.#detectModern()) ?? (await this.#legacy.identify(acquire))
  }

  /**
   * Asks `server/discover` in a child that does nothing else, since some legacy servers exit on it. Undefined: legacy,
   * which any other error, an exit and silence show alike.
   */
  async #detectModern(): Promise<ServerIdentity | undefined> {
    const channel = await this.#launchForDetection()
    const { clientInfo, discoverTimeoutMs, now } = this.#settings
    const silence = AbortSignal.timeout(discoverTimeoutMs)
    try {
      return await discover(channel, clientInfo, { signal: AbortSignal.any([silence, this.#closing.signal]), now })
    } catch (error) {
      if (this.#closing.signal.aborted) throw new UpstreamClosedError()
      if (silence.aborted || error instanceof UpstreamError) return undefined
      throw error
    } finally {
      void channel.stop()
    }
  }

  async #launchForDetection(): Promise<Channel> {
    try {
      return await this.#launcher.launch(undefined)
    } catch (failure) {
      const atMs = this.#settings.now()
      if (failure instanceof UpstreamSpawnFailedError) this.#policies.of(undefined).exited({ atMs, failure })
      throw failure
    }
  }

  async #ask({ channel, identity }: ReadyChild, { signal, limits }: ExchangeOptions): Promise<ServerIdentity> {
    const bounds = { signal, firstByteMs: limits.firstByteMs }
    try {
      if (identity.era === 'modern') return await this.#discover(channel, bounds)
      await call(channel, ownRequest('ping', {}), bounds)
      return identity
    } catch (error) {
      // We stopped it ourselves while it was asked, because nobody used it.
      if (channel.end === 'idle') return identity
      // A server that is busy with somebody's call may well be deaf for as long as that takes.
      if (error instanceof UpstreamTimeoutError && !channel.multiplexer.isAwaited) channel.giveUp()
      throw error
    }
  }

  async #startAgain(era: Era, { signal, limits }: ExchangeOptions): Promise<ServerIdentity> {
    const acquire = { signal, maxWaitMs: limits.connectMs }
    if (era === 'legacy') return await this.#legacy.identify(acquire)
    return (await this.#modernPool.acquire(acquire)).identity
  }

  async #discover(channel: Channel, bounds: CallBounds): Promise<ServerIdentity> {
    const { clientInfo, now } = this.#settings
    const identity = await discover(channel, clientInfo, { ...bounds, now })
    if (identity) return identity
    throw new UpstreamNotIdentifiedError({
      detail: 'server/discover was not answered as a modern server does',
      sent: false,
    })
  }

  #superviseModern(context?: string): Supervisor {
    return this.#supervise(context, (channel, signal) => this.#discover(channel, { signal }))
  }

  #superviseLegacy(context: string | undefined, init: SessionInit): Supervisor {
    return this.#supervise(context, (channel, signal) => initialize(channel, init, { signal, now: this.#settings.now }))
  }

  #supervise(
    context: string | undefined,
    open: (channel: Channel, signal: AbortSignal) => Promise<ServerIdentity>,
  ): Supervisor {
    return new Supervisor({
      ...this.#settings,
      policy: this.#policies.of(context),
      launch: (signal) => this.#launcher.launchReady({ context, open, signal }),
    })
  }

  async #open(key: SessionKey, options: ExchangeOptions, pooled: boolean): Promise<StdioSession> {
    if (this.#closing.signal.aborted) throw new UpstreamClosedError()
    const kind = this.#needsOwnChild(key) ? 'exclusive' : 'same'
    const takeSeat = (wanted: 'same' | 'exclusive', bounds: ExchangeOptions): Promise<Seat> =>
      this.#takeSeat(key, wanted, bounds)
    const seat = await takeSeat(kind, options)
    const { context } = key
    const session = new StdioSession({
      seat,
      takeSeat,
      onEnded: (because) => this.#onSessionEnded(context, because),
      ownsServer: this.#settings.sharing === 'exclusive',
    })
    this.#settings.onEvent?.({ type: 'session_opened', context, pooled })
    return session
  }

  // Whatever the sharing: a client that may be asked something must be the one that declared it.
  #needsOwnChild({ init, exclusive }: SessionKey): boolean {
    return exclusive === true || this.#legacy.needsOwnChild(init)
  }

  /** A child that waits for its next use must not keep out one that is wanted now. */
  async #takeSeat(key: SessionKey, kind: 'same' | 'exclusive', options: ExchangeOptions): Promise<Seat> {
    const acquire = { signal: options.signal, maxWaitMs: options.limits.connectMs }
    for (;;) {
      try {
        return kind === 'exclusive' ? await this.#legacy.own(key, acquire) : await this.#legacy.share(key, acquire)
      } catch (error) {
        const full = error instanceof UpstreamBusyError && !options.signal.aborted
        if (!full || !(await this.#makeRoom(key.context))) throw error
      }
    }
  }

  async #makeRoom(context: string): Promise<boolean> {
    return (await this.#sessions.evict(context)) || (await this.#lone.evict(context))
  }

  #onSessionEnded(context: string, because: 'child_exited' | 'closed'): void {
    if (because === 'closed') this.#settings.onEvent?.({ type: 'session_closed', context })
    else this.#settings.onEvent?.({ type: 'session_lost', context, because })
  }
}

/** The first that succeeds; with none, the failure of the first. */
async function firstOf<T>(attempts: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(attempts)
  } catch (failures) {
    throw failures instanceof AggregateError ? failures.errors[0] : failures
  }
}

function statusOf(channel: Channel): StdioChildStatus {
  return {
    pid: channel.pid,
    startedAt: new Date(channel.startedAtMs),
    inFlight: channel.multiplexer.inFlight,
    droppedMessages: channel.multiplexer.droppedMessages,
    stderrTail: channel.stderrTail(),
  }
}
