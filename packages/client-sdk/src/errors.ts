import type { Executed, FieldError, Problem } from '@mcp-platform/contract'

/** Codes of the failures that the client notices itself; the others are those of the gateway's problems. */
export type ClientErrorCode =
  | 'CLIENT_GATEWAY_UNREACHABLE'
  | 'CLIENT_TIMEOUT'
  | 'CLIENT_BAD_ANSWER'
  | 'CLIENT_CLOSED'
  | 'CLIENT_SESSION_ENDED'
  | 'CLIENT_STATE_FILE_INVALID'

/** Base of every error of this package. Tell them apart by `code`. */
export abstract class GatewayClientError extends Error {
  /** A {@link ClientErrorCode}, or the code of the gateway's problem. */
  abstract readonly code: string

  override get name(): string {
    return this.constructor.name
  }
}

/** The gateway answered with an error. `problem` is its whole document. */
export class GatewayError extends GatewayClientError {
  readonly code: string
  /** HTTP status. */
  readonly status: number
  readonly problem: Problem
  /** `no`: the call certainly did not run; `unknown`: do not repeat it blindly. Absent where nothing was to be run. */
  readonly executed: Executed | undefined
  /** Sending the same again later may succeed. */
  readonly retryable: boolean
  /** When to try again, in milliseconds from the answer. */
  readonly retryAfterMs: number | undefined
  /** For support: the gateway's log has it too. */
  readonly requestId: string

  constructor(problem: Problem) {
    super(problem.detail)
    this.code = problem.code
    this.status = problem.status
    this.problem = problem
    this.executed = problem.executed
    this.retryable = problem.retryable ?? false
    this.retryAfterMs = problem.retry_after_seconds === undefined ? undefined : problem.retry_after_seconds * 1_000
    this.requestId = problem.request_id
  }
}

/** 401: no credential, or one that does not hold. */
export class NotAuthenticatedError extends GatewayError {}

/** 403: the credential holds but does not reach this far. */
export class NotAllowedError extends GatewayError {}

/** 429: too many requests; `retryAfterMs` says when to come again. */
export class RateLimitedError extends GatewayError {}

/** 404: no such template, instance, tool or path. */
export class NotFoundError extends GatewayError {}

/** 422: `errors` lists every fault of the request, each with its path. */
export class InvalidRequestError extends GatewayError {
  readonly errors: readonly FieldError[]

  constructor(problem: Problem) {
    super(problem)
    this.errors = problem.errors ?? []
  }
}

/** No connection, or it broke before the answer was whole. */
export class GatewayUnreachableError extends GatewayClientError {
  readonly code = 'CLIENT_GATEWAY_UNREACHABLE'
  /** Origin of the gateway. */
  readonly url: string
  /** The system's word for it: `ECONNREFUSED`, `ENOTFOUND`, `ECONNRESET`, … */
  readonly reason: string
  /** `no`: nothing was sent. */
  readonly executed: Executed

  constructor(facts: { url: string; reason: string; executed: Executed; cause: unknown }) {
    super(`cannot reach the gateway at ${facts.url} (${facts.reason})`, { cause: facts.cause })
    this.url = facts.url
    this.reason = facts.reason
    this.executed = facts.executed
  }
}

/** The client's own time ran out. */
export class GatewayTimeoutError extends GatewayClientError {
  readonly code = 'CLIENT_TIMEOUT'
  readonly timeoutMs: number
  /** `no`: nothing was sent. */
  readonly executed: Executed

  constructor(facts: { timeoutMs: number; executed: Executed }) {
    super(`the gateway did not answer within ${facts.timeoutMs} ms`)
    this.timeoutMs = facts.timeoutMs
    this.executed = facts.executed
  }
}

/** What answered is not the gateway, or the answer is broken: not JSON, too large, a stream without its end. */
export class BadAnswerError extends GatewayClientError {
  readonly code = 'CLIENT_BAD_ANSWER'
  readonly status: number
  readonly executed: Executed = 'unknown'

  constructor(facts: { status: number; detail: string; cause?: unknown }) {
    super(`the answer is not one of the gateway (HTTP ${facts.status}): ${facts.detail}`, { cause: facts.cause })
    this.status = facts.status
  }
}

/** The client was closed before or during the request. */
export class ClientClosedError extends GatewayClientError {
  readonly code = 'CLIENT_CLOSED'

  constructor() {
    super('the client is closed')
  }
}

/** The login has ended: its refresh token is too old, was revoked, or was used by somebody else. Log in again. */
export class SessionEndedError extends GatewayClientError {
  readonly code = 'CLIENT_SESSION_ENDED'

  constructor(cause?: unknown) {
    super('the login has ended; log in again', { cause })
  }
}

/** The state file of a local gateway is there but cannot be used. */
export class StateFileError extends GatewayClientError {
  readonly code = 'CLIENT_STATE_FILE_INVALID'
  readonly path: string

  constructor(path: string, reason: string, cause?: unknown) {
    super(`state file ${path}: ${reason}`, { cause })
    this.path = path
  }
}

/** The error of the class that fits the problem's status. */
export function errorOf(problem: Problem): GatewayError {
  if (problem.status === 401) return new NotAuthenticatedError(problem)
  if (problem.status === 403) return new NotAllowedError(problem)
  if (problem.status === 404) return new NotFoundError(problem)
  if (problem.status === 422) return new InvalidRequestError(problem)
  if (problem.status === 429) return new RateLimitedError(problem)
  return new GatewayError(problem)
}
