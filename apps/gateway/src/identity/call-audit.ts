import { type AuditEvent, type AuditOutcome, auditEvent, type Mac } from '@mcp-platform/auth'
import type { CallEnd, GatewayCall } from '@mcp-platform/gateway-core'
import { auditedArguments } from './call-arguments.js'

/**
 * The audit event of a call: who called which tool and how it ended. What it was called with stands there as a keyed
 * hash: two equal calls can be told from two different ones, and nobody can read or guess the arguments. Where the
 * template wants it they stand there in clear too.
 */
export function callEvent(call: GatewayCall, end: CallEnd, mac: Mac): AuditEvent {
  const { method = '', name, params } = call.message.envelope
  const given = params && call.message.body.toString('utf8', params.start, params.end)
  return auditEvent({
    at: new Date(),
    actor: call.principal.id,
    action: method,
    outcome: outcomeOf(end.outcome),
    target: name === undefined ? call.template : `${call.template}/${name}`,
    requestId: call.requestId,
    address: call.trace.address,
    details: {
      outcome: end.outcome,
      face: call.face,
      instance: call.trace.instanceId ?? null,
      attempts: call.trace.attempts,
      duration_ms: Math.round(end.durationMs),
      arguments_mac: given === undefined ? null : mac.sign(given),
      ...(end.withArguments && given !== undefined ? auditedArguments(given) : {}),
    },
  })
}

function outcomeOf(code: string): AuditOutcome {
  if (code === 'ok') return 'success'
  return code === 'FORBIDDEN' ? 'denied' : 'failure'
}
