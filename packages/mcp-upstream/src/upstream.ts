import type { Envelope, ReplyEnvelope } from './envelope.js'

/** `legacy`: 2024-11-05 … 2025-11-25, opened by `initialize`. `modern`: 2026-07-28, stateless. */
export type Era = 'legacy' | 'modern'

/**
 * How far one attempt got. Before `sent` nothing can have reached the server (P1);
 * from `sent` on it may have run (P2); `headers` means the server began to answer (P3).
 * Only ever grows within one exchange.
 */
export type Phase = 'connecting' | 'sent' | 'headers'

/** One JSON-RPC message on its way to a server. `envelope` holds byte offsets into `body`. */
export interface UpstreamMessage {
  /** As the caller sent it. The upstream splices its own id and progress token in; the rest goes out unchanged. */
  readonly body: Buffer
  readonly envelope: Envelope
  /** Request headers that may pass (`mcp-param-*`, `traceparent`, …), lower case, already filtered. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * Authorization context whose own child this must have to itself, because what the server says besides the answer (log
   * lines) names no request on a pipe. Modern stdio servers only; HTTP tells streams apart anyway and ignores it.
   */
  readonly exclusiveFor?: string | undefined
}

/** Bounds of one exchange, in milliseconds and bytes. The total deadline is the caller's `signal`. */
export interface ExchangeLimits {
  readonly connectMs: number
  /** From `sent` to the first byte of the answer; absent: not bounded by this timer. */
  readonly firstByteMs?: number | undefined
  /** Between bytes, once the answer has begun. */
  readonly idleMs: number
  readonly maxAnswerBytes: number
}

export interface ExchangeOptions {
  readonly signal: AbortSignal
  readonly limits: ExchangeLimits
  onPhase?(phase: Phase): void
  /**
   * The server closed its stream before the answer and will be asked for the rest later (2025-11-25, polling). We go on
   * reading by ourselves; a caller with a stream of its own may close that too.
   */
  readonly onInterrupted?: (() => void) | undefined
}

/**
 * Takes the messages of one answer as they come: notifications and server requests first, the response last.
 * Ids of responses and progress tokens are the caller's again. A returned promise is back pressure:
 * the source is paused until it settles.
 */
export interface MessageSink {
  message(json: Buffer, envelope: ReplyEnvelope): void | Promise<void>
}

/** What came back. The body of `complete` is one JSON-RPC response with the caller's own id. */
export type UpstreamReply =
  | { readonly kind: 'complete'; readonly json: Buffer; readonly envelope: ReplyEnvelope; readonly status: number }
  | {
      readonly kind: 'stream'
      /**
       * Call once. Resolves when the response message has been handed to the sink;
       * rejects with an UpstreamError when the stream ended without it.
       */
      pipe(sink: MessageSink): Promise<void>
      /** Gives the answer up unread: cancels upstream. */
      cancel(reason: unknown): void
    }
  | { readonly kind: 'accepted' }

/** Where one call goes. No balancing inside. Decorators (mcp-bridge) have the same shape. */
export interface Upstream {
  readonly era: Era
  exchange(message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply>
}

/** What a server said about itself, in `server/discover` or in the answer to `initialize`. */
export interface ServerIdentity {
  readonly era: Era
  /** The version negotiated (legacy) or the newest common one (modern). */
  readonly protocolVersion: string
  readonly serverInfo: { readonly name: string; readonly version: string }
  readonly capabilities: Readonly<Record<string, unknown>>
  readonly instructions?: string | undefined
  /** The whole result object as the server gave it. */
  readonly result: Readonly<Record<string, unknown>>
  /** HTTP: the URL variant that answered. */
  readonly url?: string | undefined
  /** HTTP: the transport that answered. */
  readonly transport?: 'http' | 'sse' | undefined
  readonly learnedAt: Date
}

/** What a legacy session is opened with. */
export interface SessionInit {
  readonly protocolVersion: string
  readonly capabilities: Readonly<Record<string, unknown>>
  readonly clientInfo: Readonly<Record<string, unknown>>
}

/** One initialised legacy session with one server: an HTTP session, or a stdio child (or a share of one). */
export interface UpstreamSession extends Upstream {
  readonly era: 'legacy'
  readonly identity: ServerIdentity
  /** The server's own session id, if it gave one. */
  readonly sessionId: string | undefined
  /**
   * The server runs for this session alone because its operator wants it so: what it keeps in its memory is the
   * client's, and gone with it. @default false
   */
  readonly ownsServer?: boolean | undefined
  /** Aborted when the session is known to be gone: terminated, lost by the server, child exited. */
  readonly ended: AbortSignal
  /**
   * Everything the server sends outside of an answer (GET stream, unsolicited stdio lines). Ends with the signal or the
   * session. `onOpen`: from now on nothing is missed; `missed` says that something may have been, because the server could
   * not be reached for a while. Called again each time.
   */
  listen(sink: MessageSink, signal: AbortSignal, onOpen?: (missed: boolean) => void): Promise<void>
  /** Sends DELETE, or lets go of the child. Idempotent, bounded, never throws. */
  close(): Promise<void>
}

/** A session that another process had opened, as far as somebody else can know it. */
export interface KnownSession {
  /** The server's own id of it, if it gave one. */
  readonly sessionId: string | undefined
  /** The version that was agreed on. */
  readonly protocolVersion: string
}

/** A pooled session for one exchange. Release exactly once, when the answer's body has ended. */
export interface SessionLease {
  readonly session: UpstreamSession
  release(): void
}

/** Sessions of different keys are never shared: another principal, or other client capabilities, is another session. */
export interface SessionKey {
  /** Authorization context: principal id, or `shared`. */
  readonly context: string
  readonly init: SessionInit
  /** Nobody else on the session while it is leased, on a pipe too: its log lines belong to one exchange. @default false */
  readonly exclusive?: boolean | undefined
}

/**
 * Everything the gateway holds towards one instance: connections or children, the detected era, the pool of sessions.
 * Made once per instance and generation; closed when the instance goes.
 */
export interface Connection {
  /** Undefined until {@link Connection.identify} has succeeded once. */
  readonly identity: ServerIdentity | undefined
  /** Finds era and identity; single flight, cached until {@link Connection.forget}. Rejects with an UpstreamError. */
  identify(options: ExchangeOptions): Promise<ServerIdentity>
  /** Drops the cached identity, so that the next use probes the era again. */
  forget(): void
  /** Stateless exchange with a modern server. */
  readonly modern: Upstream
  /**
   * Asks for a sign of life without being use of the server, where asking as a caller would be: a probe must not keep a
   * child running, nor have one of its own. Absent: ask as a caller. Resolves with who the server is by now.
   */
  probe?(options: ExchangeOptions): Promise<ServerIdentity>
  /** A session of its own, for one client session. The caller closes it. */
  openSession(init: SessionInit, context: string, options: ExchangeOptions): Promise<UpstreamSession>
  /**
   * Goes on with a session that another process had opened and left behind; nothing is sent yet. Its requests get ids that
   * the other one cannot have used. Absent where a session cannot outlive its process: on a pipe.
   * @throws UpstreamSessionLostError where the transport does not allow it: the deprecated HTTP+SSE
   */
  resumeSession?(known: KnownSession, context: string, options: ExchangeOptions): Promise<UpstreamSession>
  /** An initialised session from the pool, opened if none is idle. */
  leaseSession(key: SessionKey, options: ExchangeOptions): Promise<SessionLease>
  close(): Promise<void>
}
