import { errorCodes, type Problem } from '@mcp-platform/contract'
import { EnvelopeError } from '@mcp-platform/mcp-upstream'
import { GatewayError } from './errors.js'

/** The error document of anything that was thrown. What is not ours becomes INTERNAL and says nothing of its cause. */
export function toProblem(error: unknown, requestId: string): Problem {
  const known = asGatewayError(error)
  const { status, title } = errorCodes[known.code]
  const { facts } = known
  return {
    type: 'about:blank',
    title,
    status,
    detail: known.message,
    code: known.code,
    request_id: requestId,
    ...member('template', facts.template),
    ...member('instance_id', facts.instanceId),
    ...member('source', facts.source),
    ...member(
      'retry_after_seconds',
      facts.retryAfterMs === undefined ? undefined : Math.ceil(facts.retryAfterMs / 1000),
    ),
    ...member('executed', facts.executed),
    ...member('attempts', facts.attempts),
    ...member('retryable', facts.retryable),
    ...member('errors', facts.errors),
    ...member('upstream', facts.upstream),
  }
}

/** Anything thrown, as one of our errors. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  if (error instanceof EnvelopeError) {
    return new GatewayError(
      'REQUEST_MALFORMED',
      `the body is not acceptable JSON: ${error.detail} at byte ${error.offset}`,
    )
  }
  return new GatewayError(
    'INTERNAL',
    'the gateway failed to handle the request; its log has the cause under this request id',
    {},
    error,
  )
}

function member<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]: V })
}
