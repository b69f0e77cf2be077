import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { UpstreamBadAnswerError, UpstreamError, UpstreamHttpStatusError, UpstreamUnauthorizedError } from '../errors.js'
import { isEncoded, mediaType } from './headers.js'
import { type AnswerReader, type CallLimits, HttpCall } from './http-call.js'
import type { SseFeed } from './sse-feed.js'
import { streamHeaders, type Wire } from './wire.js'

/** One GET that opens an event stream. */
export interface StreamCallInit {
  readonly wire: Wire
  readonly path: string
  /** Beside the base headers: session, version, `last-event-id`. */
  readonly headers: readonly string[]
  readonly limits: CallLimits
  readonly feed: SseFeed
  readonly signal: AbortSignal
  onCall?: ((call: HttpCall) => void) | undefined
  /** The head came and is an event stream. */
  onOpen?: (() => void) | undefined
}

/**
 * Opens an event stream and feeds it. Resolves when the stream ended cleanly; rejects with an UpstreamError
 * or the signal's reason.
 */
export function readStream(init: StreamCallInit): Promise<void> {
  const { wire, feed, signal } = init
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      act()
    }
    const reader: AnswerReader = {
      head(status, headers) {
        checkStreamHead(status, headers)
        feed.answered()
        init.onOpen?.()
      },
      data: (chunk) => feed.push(chunk),
      end: () => settle(resolve),
      letGo: () => settle(resolve),
      fail: (error) => settle(() => reject(error)),
    }
    const call = new HttpCall(reader, init.limits)
    const onAbort = (): void => call.abort(signal.reason)
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    signal.addEventListener('abort', onAbort, { once: true })
    init.onCall?.(call)
    const headers = [...streamHeaders(wire), ...init.headers]
    call.start(wire.pools.streams, { method: 'GET', path: init.path, headers, body: null })
  })
}

function checkStreamHead(status: number, headers: IncomingHttpHeaders): void {
  if (status === 401 || status === 403) throw new UpstreamUnauthorizedError({ status })
  if (status !== 200) throw new UpstreamHttpStatusError({ status })
  if (isEncoded(headers) || mediaType(headers) !== 'text/event-stream') {
    throw new UpstreamBadAnswerError({ detail: 'not an event stream', status })
  }
}

// A server may close a stream and ask to be polled for it; one that never says anything new is given up.
const MAX_EMPTY_POLLS = 20
const MAX_FAILURES = 3
const DEFAULT_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000
/** A server that asks to be polled at once is not, in milliseconds. */
const MIN_ENDLESS_RETRY_MS = 50
/** A server that is back is heard again after this time at the latest, in milliseconds. */
const MAX_ENDLESS_RETRY_MS = 15_000
/** Plain noes that pass: too early, too busy, or the stream before this one is still thought to be open. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 425, 429])

/** How streams are opened again. */
export interface ReconnectInit {
  readonly feed: SseFeed
  readonly signal: AbortSignal
  /** Opens and reads one connection, from `feed.lastEventId` on. */
  connect(): Promise<void>
  /** True when no further connection is wanted. */
  isDone(): boolean
  /** A quiet stream is nothing odd, and a server that is away will be back: no bound on polls and failures in a row. */
  readonly isEndless: boolean
  /** Which failures are worth another try. @default {@link mayRetry} */
  readonly isPassing?: ((error: unknown) => boolean) | undefined
  /** Connections that have failed in a row before this begins. @default 0 */
  readonly failures?: number | undefined
}

/**
 * Reads a stream over as many connections as it takes, waiting what the server asked for between them, and twice as long
 * after each failure. Rejects with a plain no, after 3 failures in a row (unless it is endless), or with the signal's
 * reason; resolves after 20 empty polls in a row (unless it is endless).
 */
export async function readReconnecting(init: ReconnectInit): Promise<void> {
  const { feed, signal, isPassing = mayRetry } = init
  let empty = 0
  let failures = init.failures ?? 0
  while (!init.isDone()) {
    await sleep(pauseMs(init, failures), undefined, { signal, ref: false })
    if (init.isDone()) return
    const before = feed.lastEventId
    try {
      await init.connect()
      failures = 0
    } catch (error) {
      failures = wasFine(init) ? 1 : failures + 1
      if (!isPassing(error) || (!init.isEndless && failures > MAX_FAILURES)) throw error
    }
    empty = feed.events > 0 && feed.lastEventId !== before ? 0 : empty + 1
    if (!init.isEndless && empty > MAX_EMPTY_POLLS) return
  }
}

function pauseMs({ feed, isEndless }: ReconnectInit, failures: number): number {
  if (!isEndless) return Math.min(feed.retryMs ?? DEFAULT_RETRY_MS * 2 ** failures, MAX_RETRY_MS)
  // What the server asks for may be longer; after a failure it is the least.
  const askedMs = Math.min(Math.max(feed.retryMs ?? DEFAULT_RETRY_MS, MIN_ENDLESS_RETRY_MS), MAX_RETRY_MS)
  return Math.max(askedMs, Math.min(askedMs * 2 ** failures, MAX_ENDLESS_RETRY_MS))
}

// A stream that broke after an hour of silence says nothing about the one before it.
function wasFine({ feed, isEndless }: ReconnectInit): boolean {
  return isEndless ? feed.isAnswered : feed.events > 0
}

/** Broken connections and busy servers are tried again; a plain no is not. */
export function mayRetry(error: unknown): boolean {
  if (error instanceof UpstreamHttpStatusError) return error.status >= 500 || PASSING_STATUSES.has(error.status)
  return error instanceof UpstreamError && error.code !== 'UPSTREAM_UNAUTHORIZED' && error.code !== 'UPSTREAM_CLOSED'
}
