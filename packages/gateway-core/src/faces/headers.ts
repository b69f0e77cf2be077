import type { Action, Decision, Principal } from '@mcp-platform/auth'
import type { CallTrace } from '../call.js'
import type { Headers } from './respond.js'

/** What the head of every answer to a call says: its id, how many instances were tried, and to some callers which one. */
export function callHeaders(exchange: {
  readonly requestId: string
  readonly trace: CallTrace
  readonly principal: Principal
  readonly template: string | undefined
  readonly context: { readonly decide: (principal: Principal, action: Action) => Decision }
}): Headers {
  const { trace, requestId, principal, template } = exchange
  const headers: Record<string, string | number> = { 'x-request-id': requestId }
  if (trace.attempts > 0) headers['x-gateway-attempts'] = trace.attempts
  if (trace.instanceId === undefined || template === undefined) return headers
  if (exchange.context.decide(principal, { scope: 'registry:read', template }).allowed)
    headers['x-gateway-instance'] = trace.instanceId
  return headers
}
