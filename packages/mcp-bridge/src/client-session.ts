import type { UpstreamSession } from '@mcp-platform/mcp-upstream'
import { EventLog, parseEventId } from './event-log.js'
import type { JsonObject } from './json-object.js'

/** Streams whose call has ended are kept this long for a client that comes back, in milliseconds. */
const KEEP_STREAM_MS = 5 * 60_000
/** And this long when all of it was written to a connection that was open, in milliseconds. */
const KEEP_READ_STREAM_MS = 15_000
/** Ended streams of one session that may be resumed. */
const MAX_ENDED_STREAMS = 64
/** Bytes of one session's ended streams; the newest is kept whatever its size. */
const MAX_ENDED_BYTES = 256 * 1024

interface EndedStream {
  readonly log: EventLog
  /** When to forget it, on the session's clock. */
  readonly forgetAt: number
}

export interface ClientSessionFacts {
  /** Random, unguessable, unique in this process. */
  readonly localId: string
  readonly context: string
  /** Absent: the aggregate over all templates. */
  readonly template: string | undefined
  /**
   * Sets ids of streams and questions apart from those that another process had given out before this one took the session
   * over; base64url, 24 characters at most. @default ''
   */
  readonly mark?: string | undefined
  readonly now: () => number
  /** How long the client may take to answer a question, in milliseconds. @default 600_000 */
  readonly askMs?: number | undefined
}

/** The time of a call, which stands still while its client has a question to answer. */
export interface CallClock {
  hold(question: string): void
  release(question: string): void
}

interface Call {
  readonly abort: AbortController
  readonly clock: CallClock | undefined
}

/** A person may think about a question for this long, in milliseconds (BALANCING.md, timers). */
const DEFAULT_ASK_MS = 10 * 60_000

/** What a client said in `initialize`. */
export interface ClientHello {
  readonly protocolVersion: string
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject
}

/** Reason of a call's signal when its client cancelled it by `notifications/cancelled`. */
export class CancelledByClientError extends Error {
  override readonly name = 'CancelledByClientError'
  readonly code = 'BRIDGE_CANCELLED'

  constructor() {
    super('the client cancelled the request')
  }
}

/**
 * One legacy client as the gateway knows it: what it said in `initialize`, the upstream session that is its own, the
 * calls it has in flight, the questions it was asked, and its streams. Lives in the process that answered `initialize`.
 */
export class ClientSession {
  readonly localId: string
  readonly context: string
  readonly template: string | undefined
  /** Server messages that belong to no call: read by the client's GET stream. */
  readonly outbox: EventLog
  hello: ClientHello = { protocolVersion: '', capabilities: {}, clientInfo: {} }
  /** The version that was agreed on. */
  protocolVersion = ''
  /** The instance it lives on; undefined for a session over stateless servers. */
  instanceId: string | undefined
  upstream: UpstreamSession | undefined
  logLevel: string | undefined
  /** Hears the method of each notification that the server sends outside of any answer. */
  onAnnounced: ((method: string) => void) | undefined
  /** Hears that the server had lost the session and that it was opened again. */
  onReopened: (() => void) | undefined
  lastUsedAt: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** How long the client may take to answer a question, in milliseconds. */
  readonly askMs: number
  readonly #mark: string
  readonly #ended = new AbortController()
  readonly #calls = new Map<string, Call>()
  readonly #asks = new Map<string, (message: Buffer) => void>()
  /** Its own, and those whose call runs. */
  readonly #streams = new Map<string, EventLog>()
  /** Those whose call has ended, the first to end first. */
  readonly #endedStreams = new Map<string, EndedStream>()
  #endedBytes = 0
  #nextStream = 1
  #nextAsk = 1

  constructor(facts: ClientSessionFacts) {
    this.localId = facts.localId
    this.context = facts.context
    this.template = facts.template
    this.now = facts.now
    this.lastUsedAt = facts.now()
    this.askMs = facts.askMs ?? DEFAULT_ASK_MS
    this.#mark = facts.mark ?? ''
    this.outbox = new EventLog(`${this.#mark}s`)
    this.#streams.set(this.outbox.streamId, this.outbox)
  }

  /** Aborted when the session is over: deleted, expired, or its server lost it. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Calls and open reads keep a session from going idle. */
  get busy(): boolean {
    return this.#calls.size > 0 || this.outbox.attached
  }

  /** A stream for the answer of one request. */
  openStream(): EventLog {
    const log = new EventLog(`${this.#mark}c${this.#nextStream++}`)
    this.#streams.set(log.streamId, log)
    return log
  }

  /** The stream's call is over: it can be resumed for a while, then it is forgotten. */
  closeStream(log: EventLog): void {
    log.end()
    if (!this.#streams.delete(log.streamId)) return
    const forgetAt = this.now() + (log.readToEnd ? KEEP_READ_STREAM_MS : KEEP_STREAM_MS)
    this.#endedStreams.set(log.streamId, { log, forgetAt })
    this.#endedBytes += log.bytes
    this.#dropSurplus()
  }

  /** The stream an event id points into. */
  findStream(eventId: string): { log: EventLog; sequence: number } | undefined {
    const parsed = parseEventId(eventId)
    if (parsed === undefined) return undefined
    const ended = this.#endedStreams.get(parsed.streamId)
    const kept = ended && ended.forgetAt >= this.now() ? ended.log : undefined
    const log = this.#streams.get(parsed.streamId) ?? kept
    return log && { log, sequence: parsed.sequence }
  }

  /** A server message that belongs to no call: goes to the client's own stream. */
  announce(json: Buffer, method: string | undefined): void | Promise<void> {
    if (method !== undefined) this.onAnnounced?.(method)
    return this.outbox.append(json)
  }

  /** Registers a call under the client's own id, for cancellation and for questions that stop its clock. */
  beginCall(idToken: string, abort: AbortController, clock?: CallClock | undefined): void {
    this.#calls.set(idToken, { abort, clock })
  }

  endCall(idToken: string): void {
    this.#calls.delete(idToken)
  }

  /** `notifications/cancelled`: ends the call with that id, if it is still under way. */
  cancel(idToken: string): void {
    this.#calls.get(idToken)?.abort.abort(new CancelledByClientError())
  }

  /**
   * A question goes out to the client: the clock of the call that it belongs to stands still until the answer comes. One
   * on the session's own stream may belong to any of them.
   */
  questioned(question: string, callIdToken?: string | undefined): void {
    const calls = callIdToken === undefined ? [...this.#calls.values()] : [this.#calls.get(callIdToken)]
    for (const call of calls) call?.clock?.hold(question)
  }

  /**
   * Asks the client something on behalf of a server that cannot: gives the request an id of ours.
   * The promise is the client's whole response message; it rejects with the signal.
   */
  ask(signal: AbortSignal): { idToken: string; answer: Promise<Buffer> } {
    const idToken = `"gw-${this.#mark}${this.#nextAsk++}"`
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const giveUp = (): void => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#asks.set(idToken, resolve)
    const answer = promise.finally(() => {
      this.#asks.delete(idToken)
      signal.removeEventListener('abort', giveUp)
    })
    return { idToken, answer }
  }

  /** A response from the client; false if we never asked: it is the server's question that it answers. */
  answered(idToken: string, message: Buffer): boolean {
    for (const { clock } of this.#calls.values()) clock?.release(idToken)
    const resolve = this.#asks.get(idToken)
    resolve?.(message)
    return resolve !== undefined
  }

  /** Ends everything: calls, streams, the upstream session. Idempotent. */
  async end(reason: unknown): Promise<void> {
    await this.leave(reason)?.close()
  }

  /** Ends calls and streams. Gives back the upstream session, for the caller to close; nothing the second time. */
  leave(reason: unknown): UpstreamSession | undefined {
    if (this.#ended.signal.aborted) return undefined
    this.#ended.abort(reason)
    for (const { abort } of this.#calls.values()) abort.abort(reason)
    for (const log of this.#streams.values()) log.end()
    return this.upstream
  }

  /** Forgets ended streams that nobody can be expected to resume any more. Not needed by calls: cheap enough for each sweep. */
  tidy(): void {
    const now = this.now()
    for (const { log, forgetAt } of this.#endedStreams.values()) if (forgetAt < now) this.#forget(log)
  }

  // The oldest go first, one or two per call: a look at all of them for each call was a tenth of its cost.
  #dropSurplus(): void {
    for (const { log } of this.#endedStreams.values()) {
      const { size } = this.#endedStreams
      if (size <= 1 || (size <= MAX_ENDED_STREAMS && this.#endedBytes <= MAX_ENDED_BYTES)) return
      this.#forget(log)
    }
  }

  #forget(log: EventLog): void {
    if (this.#endedStreams.delete(log.streamId)) this.#endedBytes -= log.bytes
  }
}
