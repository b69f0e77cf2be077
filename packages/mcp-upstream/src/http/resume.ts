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

/** How streams are opened again. */
export interface ReconnectInit {
  readonly feed: SseFeed
  readonly signal: AbortSignal
  /** Opens and reads one connection, from `feed.lastEventId` on. */
  connect(): Promise<void>
  /** True when no further connection is wanted. */
  isDone(): boolean
  /** A quiet stream is nothing odd: no bound on polls without events. */
  readonly isEndless: boolean
}

/**
 * Reads a stream over as many connections as it takes, waiting what the server asked for between them.
 * Rejects after 3 failures or 20 empty polls in a row, or with the signal's reason.
 */
export async function readReconnecting(init: ReconnectInit): Promise<void> {
  const { feed, signal } = init
  let empty = 0
  let failures = 0
  while (!init.isDone()) {
    await sleep(Math.min(feed.retryMs ?? DEFAULT_RETRY_MS * 2 ** failures, MAX_RETRY_MS), undefined, {
      signal,
      ref: false,
    })
    if (init.isDone()) return
    const before = feed.lastEventId
    try {
      await init.connect()
      failures = 0
    } catch (error) {
      failures = feed.events > 0 ? 1 : failures + 1
      if (!mayRetry(error) || failures > MAX_FAILURES) throw error
    }
    empty = feed.events > 0 && feed.lastEventId !== before ? 0 : empty + 1
    if (!init.isEndless && empty > MAX_EMPTY_POLLS) return
  }
}

/** Broken connections and busy servers are tried again; a plain no is not. */
function mayRetry(error: unknown): boolean {
  if (error instanceof UpstreamHttpStatusError) return error.status >= 500 || error.status === 429
  return error instanceof UpstreamError && error.code !== 'UPSTREAM_UNAUTHORIZED' && error.code !== 'UPSTREAM_CLOSED'
}
