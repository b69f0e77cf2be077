/** Every code an {@link UpstreamError} can carry. Codes are stable; messages are not. */
export type UpstreamErrorCode =
  | 'UPSTREAM_CONNECT_FAILED'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_RESET'
  | 'UPSTREAM_BAD_ANSWER'
  | 'UPSTREAM_HTTP_STATUS'
  | 'UPSTREAM_UNAUTHORIZED'
  | 'UPSTREAM_ANSWER_TOO_LARGE'
  | 'UPSTREAM_STREAM_TRUNCATED'
  | 'UPSTREAM_SESSION_LOST'
  | 'UPSTREAM_CHILD_EXITED'
  | 'UPSTREAM_CRASH_LOOP'
  | 'UPSTREAM_SPAWN_FAILED'
  | 'UPSTREAM_BUSY'
  | 'UPSTREAM_CLOSED'
  | 'UPSTREAM_NOT_IDENTIFIED'
  | 'UPSTREAM_ADDRESS_REFUSED'
  | 'UPSTREAM_UNTRUSTED'

/** Facts that every {@link UpstreamError} takes besides its own. */
export interface UpstreamErrorInit {
  /** False only when certainly nothing of the message has reached the server. */
  readonly sent: boolean
  readonly cause?: unknown
}

/**
 * The server, or the way to it, failed one exchange.
 * `sent` decides about failover: false means that certainly nothing reached the server, so any other may be tried.
 */
export abstract class UpstreamError extends Error {
  abstract readonly code: UpstreamErrorCode
  readonly sent: boolean

  constructor(message: string, init: UpstreamErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause })
    this.name = new.target.name
    this.sent = init.sent
  }
}

/** Name resolution, TCP or TLS failed: nothing was sent. */
export class UpstreamConnectFailedError extends UpstreamError {
  readonly code = 'UPSTREAM_CONNECT_FAILED'

  constructor(init: { readonly cause?: unknown } = {}) {
    super('upstream: could not connect', { sent: false, cause: init.cause })
  }
}

/** Which bound of an exchange ran out. */
export type UpstreamTimer = 'connect' | 'first_byte' | 'idle'

/** A timer of the exchange ran out. `timer` says which, `afterMs` its bound in milliseconds. */
export class UpstreamTimeoutError extends UpstreamError {
  readonly code = 'UPSTREAM_TIMEOUT'
  readonly timer: UpstreamTimer
  readonly afterMs: number

  constructor(init: { readonly timer: UpstreamTimer; readonly afterMs: number; readonly sent: boolean }) {
    super(`upstream: ${init.timer} timed out after ${init.afterMs} ms`, { sent: init.sent })
    this.timer = init.timer
    this.afterMs = init.afterMs
  }
}

/** The connection broke after (or perhaps after) the message was sent and before the answer was whole. */
export class UpstreamResetError extends UpstreamError {
  readonly code = 'UPSTREAM_RESET'

  constructor(init: UpstreamErrorInit) {
    super('upstream: the connection broke before the answer', init)
  }
}

/** The answer is not HTTP, not JSON, not JSON-RPC, has a wrong id or an unexpected content type. `detail` says what. */
export class UpstreamBadAnswerError extends UpstreamError {
  readonly code = 'UPSTREAM_BAD_ANSWER'
  readonly detail: string
  /** HTTP status of the answer, if it had one. */
  readonly status: number | undefined

  constructor(init: { readonly detail: string; readonly status?: number | undefined; readonly cause?: unknown }) {
    super(`upstream: bad answer: ${init.detail}`, { sent: true, cause: init.cause })
    this.detail = init.detail
    this.status = init.status
  }
}

/** An HTTP status that is no answer: a redirect, a 4xx without a JSON-RPC body of ours, a 5xx. */
export class UpstreamHttpStatusError extends UpstreamError {
  readonly code = 'UPSTREAM_HTTP_STATUS'
  readonly status: number
  /** From `Retry-After`, in milliseconds from now. */
  readonly retryAfterMs: number | undefined
  /** Code of a JSON-RPC error in the body, if there was one that did not answer our id. */
  readonly rpcCode: number | undefined

  constructor(init: {
    readonly status: number
    readonly retryAfterMs?: number | undefined
    readonly rpcCode?: number | undefined
  }) {
    super(`upstream: HTTP status ${init.status}`, { sent: true })
    this.status = init.status
    this.retryAfterMs = init.retryAfterMs
    this.rpcCode = init.rpcCode
  }
}

/** 401 or 403: the server wants another credential than the instance has. */
export class UpstreamUnauthorizedError extends UpstreamError {
  readonly code = 'UPSTREAM_UNAUTHORIZED'
  readonly status: number

  constructor(init: { readonly status: number }) {
    super(`upstream: the server refused our credential (HTTP ${init.status})`, { sent: true })
    this.status = init.status
  }
}

/** A JSON body, one SSE event or one line is larger than `maxBytes`. */
export class UpstreamAnswerTooLargeError extends UpstreamError {
  readonly code = 'UPSTREAM_ANSWER_TOO_LARGE'
  readonly maxBytes: number

  constructor(init: { readonly maxBytes: number }) {
    super(`upstream: an answer is larger than ${init.maxBytes} bytes`, { sent: true })
    this.maxBytes = init.maxBytes
  }
}

/** The event stream ended (cleanly or not) before the response to our request came. */
export class UpstreamStreamTruncatedError extends UpstreamError {
  readonly code = 'UPSTREAM_STREAM_TRUNCATED'

  constructor(init: { readonly cause?: unknown } = {}) {
    super('upstream: the stream ended without the response', { sent: true, cause: init.cause })
  }
}

/**
 * The server does not know our session any more (404, or 400 with -32000).
 * The message reached it but was certainly not executed: `executed` is false although `sent` is true.
 */
export class UpstreamSessionLostError extends UpstreamError {
  readonly code = 'UPSTREAM_SESSION_LOST'
  readonly executed = false
  readonly status: number | undefined

  constructor(
    init: {
      readonly status?: number | undefined
      readonly sent?: boolean | undefined
      readonly cause?: unknown
    } = {},
  ) {
    super('upstream: the server lost our session', { sent: init.sent ?? true, cause: init.cause })
    this.status = init.status
  }
}

/** The stdio child ended while the message was queued (`sent` false) or being worked on (`sent` true). */
export class UpstreamChildExitedError extends UpstreamError {
  readonly code = 'UPSTREAM_CHILD_EXITED'
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The end of what the child wrote to stderr. Not for callers: it may name files and hosts. */
  readonly stderrTail: string | undefined

  constructor(init: {
    readonly exitCode: number | null
    readonly signal: NodeJS.Signals | null
    readonly stderrTail?: string | undefined
    readonly sent: boolean
  }) {
    super(`upstream: the child exited (${init.signal ?? `code ${init.exitCode}`})`, { sent: init.sent })
    this.exitCode = init.exitCode
    this.signal = init.signal
    this.stderrTail = init.stderrTail
  }
}

/** The child died too often; it is started again not before `retryAt`. Nothing was sent. */
export class UpstreamCrashLoopError extends UpstreamError {
  readonly code = 'UPSTREAM_CRASH_LOOP'
  readonly exits: number
  readonly retryAt: Date

  constructor(init: { readonly exits: number; readonly retryAt: Date }) {
    super(`upstream: the child exited ${init.exits} times; next start at ${init.retryAt.toISOString()}`, {
      sent: false,
    })
    this.exits = init.exits
    this.retryAt = init.retryAt
  }
}

/** The child could not be started at all: no such command, no permission. Nothing was sent. */
export class UpstreamSpawnFailedError extends UpstreamError {
  readonly code = 'UPSTREAM_SPAWN_FAILED'
  /** The operating system's code, as `ENOENT`. */
  readonly reason: string

  constructor(init: { readonly reason: string; readonly cause?: unknown }) {
    super(`upstream: the child could not be started (${init.reason})`, { sent: false, cause: init.cause })
    this.reason = init.reason
  }
}

/** What was full. */
export type UpstreamBound =
  | 'sessions'
  | 'sessions_per_key'
  | 'children'
  | 'children_per_principal'
  | 'queue'
  | 'write_queue'

/** A bound of our own is reached: sessions, children, a queue. Nothing was sent. */
export class UpstreamBusyError extends UpstreamError {
  readonly code = 'UPSTREAM_BUSY'
  readonly bound: UpstreamBound
  readonly limit: number

  constructor(init: { readonly bound: UpstreamBound; readonly limit: number }) {
    super(`upstream: ${init.bound} is full (${init.limit})`, { sent: false })
    this.bound = init.bound
    this.limit = init.limit
  }
}

/** The connection or session was closed on our side. */
export class UpstreamClosedError extends UpstreamError {
  readonly code = 'UPSTREAM_CLOSED'

  constructor(init: { readonly sent?: boolean | undefined } = {}) {
    super('upstream: closed', { sent: init.sent ?? false })
  }
}

/** The server answered, but is no MCP server that we can speak to. `detail` says what was tried. */
export class UpstreamNotIdentifiedError extends UpstreamError {
  readonly code = 'UPSTREAM_NOT_IDENTIFIED'
  readonly detail: string

  /** `sent` is false when only our own handshake was sent, nothing of a caller's message. */
  constructor(init: { readonly detail: string; readonly cause?: unknown; readonly sent?: boolean | undefined }) {
    super(`upstream: not identified: ${init.detail}`, { sent: init.sent ?? true, cause: init.cause })
    this.detail = init.detail
  }
}

/** What says how the server is reached is not to be believed: it was changed by somebody else. Nothing was sent. */
export class UpstreamUntrustedError extends UpstreamError {
  readonly code = 'UPSTREAM_UNTRUSTED'
  readonly reason: string

  constructor(init: { readonly reason: string }) {
    super(`upstream: the instance is not trusted: ${init.reason}`, { sent: false })
    this.reason = init.reason
  }
}

/** Why an address was refused. */
export type RefusedBecause = 'metadata' | 'loopback' | 'private' | 'not_unicast' | 'scheme' | 'userinfo' | 'host'

/** The guard refused the URL or one of the addresses its name resolves to. Nothing was sent. */
export class UpstreamAddressRefusedError extends UpstreamError {
  readonly code = 'UPSTREAM_ADDRESS_REFUSED'
  readonly reason: RefusedBecause
  /** The refused address or host name; for operators and audit, not for callers. */
  readonly address: string

  constructor(init: { readonly reason: RefusedBecause; readonly address: string }) {
    super(`upstream: address refused (${init.reason})`, { sent: false })
    this.reason = init.reason
    this.address = init.address
  }
}

/** Codes of {@link EnvelopeError}: not JSON, not an acceptable JSON-RPC message, nested too deep. */
export type EnvelopeErrorCode = 'ENVELOPE_PARSE' | 'ENVELOPE_INVALID' | 'ENVELOPE_TOO_DEEP'

/** JSON-RPC error code for each envelope error. */
const RPC_CODES: Readonly<Record<EnvelopeErrorCode, -32700 | -32600>> = {
  ENVELOPE_PARSE: -32700,
  ENVELOPE_INVALID: -32600,
  ENVELOPE_TOO_DEEP: -32600,
}

/**
 * A message is refused by the scanner. `offset` is the byte where it was noticed, `detail` the reason;
 * neither contains any of the message's values.
 */
export class EnvelopeError extends Error {
  readonly code: EnvelopeErrorCode
  readonly detail: string
  readonly offset: number
  /** -32700 or -32600. */
  readonly rpcCode: -32700 | -32600

  constructor(code: EnvelopeErrorCode, detail: string, offset: number) {
    super(`envelope: ${detail} at byte ${offset}`)
    this.name = 'EnvelopeError'
    this.code = code
    this.detail = detail
    this.offset = offset
    this.rpcCode = RPC_CODES[code]
  }
}
