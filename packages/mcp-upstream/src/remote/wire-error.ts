import {
  EnvelopeError,
  type EnvelopeErrorCode,
  type RefusedBecause,
  UpstreamAddressRefusedError,
  UpstreamAnswerTooLargeError,
  UpstreamBadAnswerError,
  type UpstreamBound,
  UpstreamBusyError,
  UpstreamChildExitedError,
  UpstreamClosedError,
  UpstreamConnectFailedError,
  UpstreamCrashLoopError,
  UpstreamError,
  type UpstreamErrorCode,
  UpstreamHttpStatusError,
  UpstreamNotIdentifiedError,
  UpstreamResetError,
  UpstreamSessionLostError,
  UpstreamSpawnFailedError,
  UpstreamStreamTruncatedError,
  UpstreamTimeoutError,
  type UpstreamTimer,
  UpstreamUnauthorizedError,
  UpstreamUntrustedError,
} from '../errors.js'

/** An error on its way to another process. `cause` is lost: it would say nothing there. */
export interface WireError {
  readonly name: string
  readonly message: string
  /** Absent: none of ours. */
  readonly code?: UpstreamErrorCode | EnvelopeErrorCode | undefined
  readonly facts: Facts
}

/** Every fact that an error of ours may carry; each has the ones of its class. */
interface Facts {
  readonly sent: boolean
  readonly timer: UpstreamTimer
  readonly afterMs: number
  readonly detail: string
  readonly status: number
  readonly retryAfterMs?: number
  readonly rpcCode?: number
  readonly maxBytes: number
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderrTail?: string
  readonly exits: number
  readonly retryAt: string
  readonly reason: string
  readonly bound: UpstreamBound
  readonly limit: number
  readonly address: string
  readonly offset: number
}

const REVIVERS: { readonly [C in UpstreamErrorCode]: (facts: Facts) => UpstreamError } = {
  UPSTREAM_CONNECT_FAILED: () => new UpstreamConnectFailedError(),
  UPSTREAM_TIMEOUT: (facts) => new UpstreamTimeoutError(facts),
  UPSTREAM_RESET: (facts) => new UpstreamResetError(facts),
  UPSTREAM_BAD_ANSWER: (facts) => new UpstreamBadAnswerError(facts),
  UPSTREAM_HTTP_STATUS: (facts) => new UpstreamHttpStatusError(facts),
  UPSTREAM_UNAUTHORIZED: (facts) => new UpstreamUnauthorizedError(facts),
  UPSTREAM_ANSWER_TOO_LARGE: (facts) => new UpstreamAnswerTooLargeError(facts),
  UPSTREAM_STREAM_TRUNCATED: () => new UpstreamStreamTruncatedError(),
  UPSTREAM_SESSION_LOST: (facts) => new UpstreamSessionLostError(facts),
  UPSTREAM_CHILD_EXITED: (facts) => new UpstreamChildExitedError(facts),
  UPSTREAM_CRASH_LOOP: ({ exits, retryAt }) => new UpstreamCrashLoopError({ exits, retryAt: new Date(retryAt) }),
  UPSTREAM_SPAWN_FAILED: (facts) => new UpstreamSpawnFailedError(facts),
  UPSTREAM_BUSY: (facts) => new UpstreamBusyError(facts),
  UPSTREAM_CLOSED: (facts) => new UpstreamClosedError(facts),
  UPSTREAM_NOT_IDENTIFIED: (facts) => new UpstreamNotIdentifiedError(facts),
  UPSTREAM_UNTRUSTED: (facts) => new UpstreamUntrustedError(facts),
  UPSTREAM_ADDRESS_REFUSED: ({ reason, address }) =>
    new UpstreamAddressRefusedError({ reason: reason as RefusedBecause, address }),
}

/** The error with its code and facts, as JSON. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), facts: {} as Facts }
  const { name, message } = error
  if (!(error instanceof UpstreamError || error instanceof EnvelopeError)) return { name, message, facts: {} as Facts }
  const { name: _name, code, cause: _cause, ...facts } = { ...error, cause: undefined }
  return { name, message, code, facts: facts as object as Facts }
}

/** The error again, of the same class; one that is none of ours as a plain Error of the same name. */
export function fromWireError(wire: WireError): Error {
  const { code, facts } = wire
  if (code !== undefined && isUpstreamCode(code)) return REVIVERS[code](facts)
  if (code !== undefined) return new EnvelopeError(code, facts.detail, facts.offset)
  const error = new Error(wire.message)
  error.name = wire.name
  return error
}

function isUpstreamCode(code: UpstreamErrorCode | EnvelopeErrorCode): code is UpstreamErrorCode {
  return Object.hasOwn(REVIVERS, code)
}
