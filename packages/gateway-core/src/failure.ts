import { CancelledByClientError, ProtocolError, SessionNotFoundError } from '@mcp-platform/mcp-bridge'
import { UpstreamError, UpstreamHttpStatusError } from '@mcp-platform/mcp-upstream'
import type { GatewayCall } from './call.js'
import { CallerGoneError, DeadlineError, GatewayError, type GatewayErrorFacts, ShutdownError } from './errors.js'
import { retryClass } from './methods.js'

/** What one failed attempt means: for the caller, for failover and for the instance. */
export interface Failure {
  readonly error: unknown
  /** False: certainly nothing reached the server. */
  readonly sent: boolean
  readonly blame: Blame
  readonly retryAfterMs?: number | undefined
}

/**
 * What the failure says about the instance (BALANCING.md, "A failure of the instance").
 * `hard`: it failed. `suspect`: it may be the tool and not the instance, a probe decides. `overloaded`: less load, no
 * trip. `unauthenticated`: our credential is refused. `none`: says nothing.
 */
export type Blame = 'hard' | 'suspect' | 'overloaded' | 'unauthenticated' | 'none'

/** Judges an attempt that rejected. `sent` is the phase boundary, never guessed from the error's code. */
export function judge(error: unknown, sent: boolean, call: GatewayCall): Failure {
  // What ended a session says what it says about the instance, although the caller only hears that the session is gone.
  if (error instanceof SessionNotFoundError && error.cause !== undefined)
    return { ...judge(error.cause, sent, call), error }
  if (error instanceof UpstreamError) return judgeUpstream(error, sent, call)
  if (error instanceof DeadlineError) return { error, sent, blame: sent ? 'suspect' : 'none' }
  return { error, sent, blame: 'none' }
}

function judgeUpstream(error: UpstreamError, sent: boolean, call: GatewayCall): Failure {
  const facts = { error, sent: sent && error.code !== 'UPSTREAM_SESSION_LOST' }
  if (error instanceof UpstreamHttpStatusError) {
    return { ...facts, blame: blameOfStatus(error.status, call), retryAfterMs: error.retryAfterMs }
  }
  switch (error.code) {
    case 'UPSTREAM_BUSY':
      return { ...facts, blame: 'overloaded' }
    case 'UPSTREAM_UNAUTHORIZED':
      return { ...facts, blame: 'unauthenticated' }
    case 'UPSTREAM_SESSION_LOST':
    case 'UPSTREAM_CLOSED':
    case 'UPSTREAM_ANSWER_TOO_LARGE':
      return { ...facts, blame: 'none' }
    case 'UPSTREAM_TIMEOUT':
    case 'UPSTREAM_CHILD_EXITED':
      return { ...facts, blame: runsTool(call) && facts.sent ? 'suspect' : 'hard' }
    default:
      return { ...facts, blame: 'hard' }
  }
}

function blameOfStatus(status: number, call: GatewayCall): Blame {
  if (status === 429 || status === 503) return 'overloaded'
  if (status < 500 || status === 501) return 'none'
  return runsTool(call) ? 'suspect' : 'hard'
}

function runsTool(call: GatewayCall): boolean {
  return retryClass(call.message.envelope.method) === 'call'
}

/** True for a refusal by load: a 429 or 503 that the operator may call "before execution". */
export function isRefusal(failure: Failure): boolean {
  return statusIs(failure.error, 429) || statusIs(failure.error, 503)
}

/** What the caller hears when nobody is tried any more. Says in every case whether the request may have run. */
export function toGatewayError(failure: Failure, call: GatewayCall, refusalIsBeforeExecution: boolean): Error {
  const { error } = failure
  if (error instanceof GatewayError || isVerdict(error)) return error
  // Nobody waits for an answer any more.
  if (error instanceof CallerGoneError || error instanceof CancelledByClientError) return error
  const ran = call.trace.mayHaveRun || mayHaveRun(failure, refusalIsBeforeExecution)
  const facts: GatewayErrorFacts = {
    template: call.template,
    instanceId: call.trace.instanceId,
    attempts: call.trace.attempts,
    executed: ran ? 'unknown' : 'no',
    retryable: !ran || retryClass(call.message.envelope.method) !== 'call',
    retryAfterMs: failure.retryAfterMs,
  }
  if (error instanceof DeadlineError) return fromDeadline(error, call, ran, facts)
  if (error instanceof ShutdownError) {
    return new GatewayError('SHUTTING_DOWN', 'the gateway stopped before the server had answered', facts, error)
  }
  if (error instanceof UpstreamError) return fromUpstream(error, call, ran, facts)
  return new GatewayError('INTERNAL', 'the gateway failed while it handled the call', facts, error)
}

/** The bridge's own answer to what the caller sent: no other instance would answer differently. */
export function isVerdict(error: unknown): error is ProtocolError | SessionNotFoundError {
  return error instanceof ProtocolError || error instanceof SessionNotFoundError
}

/** False when the server certainly did not execute the request. */
export function mayHaveRun(failure: Failure, refusalIsBeforeExecution: boolean): boolean {
  if (!failure.sent || failure.blame === 'unauthenticated') return false
  return !(refusalIsBeforeExecution && isRefusal(failure))
}

function fromDeadline(error: DeadlineError, call: GatewayCall, ran: boolean, facts: GatewayErrorFacts): GatewayError {
  const what = `${describe(call)} did not end within ${error.totalMs / 1000} s`
  if (!ran) return new GatewayError('UPSTREAM_TIMEOUT', `${what}; it was not sent to a server`, facts, error)
  return unknownOr('UPSTREAM_TIMEOUT', what, call, facts, error)
}

function fromUpstream(error: UpstreamError, call: GatewayCall, ran: boolean, facts: GatewayErrorFacts): GatewayError {
  const what = `${describe(call)} failed: ${error.message}`
  switch (error.code) {
    case 'UPSTREAM_UNAUTHORIZED':
      return new GatewayError('UPSTREAM_UNAUTHORIZED', what, facts, error)
    case 'UPSTREAM_BUSY':
      return new GatewayError('OVERLOADED', what, { retryAfterMs: 1_000, ...facts }, error)
    case 'UPSTREAM_TIMEOUT':
      return unknownOr('UPSTREAM_TIMEOUT', what, call, facts, error)
    default:
  }
  if (!ran)
    return new GatewayError(
      'NO_INSTANCE_AVAILABLE',
      what,
      { ...facts, retryAfterMs: facts.retryAfterMs ?? 1_000 },
      error,
    )
  if (statusIs(error, 429)) return new GatewayError('RATE_LIMITED', what, facts, error)
  if (statusIs(error, 503)) return new GatewayError('OVERLOADED', what, facts, error)
  return unknownOr('UPSTREAM_BAD_ANSWER', what, call, facts, error)
}

// A tool that may have run is told apart from a read that failed: only the first must not be repeated blindly.
function unknownOr(
  code: 'UPSTREAM_TIMEOUT' | 'UPSTREAM_BAD_ANSWER',
  message: string,
  call: GatewayCall,
  facts: GatewayErrorFacts,
  cause: unknown,
): GatewayError {
  const unknown = facts.executed === 'unknown' && runsTool(call)
  if (!unknown) return new GatewayError(code, message, facts, cause)
  const outcome = code === 'UPSTREAM_TIMEOUT' ? 'OUTCOME_UNKNOWN_TIMEOUT' : 'OUTCOME_UNKNOWN'
  return new GatewayError(outcome, `${message}. The tool may have run; the gateway did not repeat it`, facts, cause)
}

function statusIs(error: unknown, status: number): boolean {
  return error instanceof UpstreamHttpStatusError && error.status === status
}

function describe(call: GatewayCall): string {
  const { method, name, uri } = call.message.envelope
  const object = name ?? uri
  return object === undefined ? `${method} on ${call.template}` : `${method} "${object}" on ${call.template}`
}
