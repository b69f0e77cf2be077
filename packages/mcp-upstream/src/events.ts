import type { Era, ServerIdentity } from './upstream.js'

/** Why a session ended that nobody closed on purpose. */
export type SessionLostBecause = 'server_forgot' | 'stream_lost' | 'child_exited'

/** Everything this package reports. Synchronous, cheap; a throwing observer is the observer's bug. No secrets inside. */
export type UpstreamEvent =
  | { readonly type: 'era_detected'; readonly era: Era; readonly identity: ServerIdentity }
  | { readonly type: 'connection_opened' }
  | { readonly type: 'connection_closed' }
  | { readonly type: 'address_refused'; readonly address: string; readonly reason: string }
  | { readonly type: 'session_opened'; readonly context: string; readonly pooled: boolean }
  | { readonly type: 'session_lost'; readonly context: string; readonly because: SessionLostBecause }
  /** A session was lost by its server, opened again and the message sent again. */
  | { readonly type: 'session_reinitialised'; readonly context: string }
  | { readonly type: 'session_closed'; readonly context: string }
  /** A response with an id that nobody waits for (cancelled, timed out, never asked), or a message nobody listens to. */
  | { readonly type: 'late_answer_dropped'; readonly kind: 'response' | 'request' | 'notification' }
  | { readonly type: 'child_started'; readonly pid: number; readonly context: string }
  /** It answered `server/discover` or `initialize`. */
  | { readonly type: 'child_ready'; readonly pid: number; readonly context: string; readonly afterMs: number }
  | {
      readonly type: 'child_exited'
      readonly pid: number
      readonly exitCode: number | null
      readonly signal: NodeJS.Signals | null
      /** True when we stopped it. */
      readonly expected: boolean
      /** The last lines that it wrote to stderr, made printable; as a rule they say why. None where we stopped it. */
      readonly lastWords: readonly string[]
    }
  | { readonly type: 'child_crash_loop'; readonly exits: number; readonly retryAt: Date }
  /** One line of a child's stderr, limited to 50 lines per second; `dropped` counts those left out before it. */
  | { readonly type: 'child_stderr'; readonly pid: number; readonly line: string; readonly dropped: number }
  /** A line on a child's stdout that is no JSON-RPC message, or is too long; `head` is its beginning, made printable. */
  | { readonly type: 'child_line_dropped'; readonly pid: number; readonly bytes: number; readonly head: string }

/** Observer of a connection or a supervisor. */
export type OnUpstreamEvent = (event: UpstreamEvent) => void
