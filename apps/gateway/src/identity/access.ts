import { type Action, type Decision, decide, type Principal } from '@mcp-platform/auth'
import { GatewayError } from '@mcp-platform/gateway-core'
import { credentialHint } from './refusals.js'

/**
 * Lets a principal pass that may do this.
 * @throws GatewayError FORBIDDEN; CREDENTIAL_REQUIRED for a caller without a credential, whom one would help
 */
export function requireAllowed(principal: Principal, action: Action): void {
  const decision = decide(principal, action)
  if (decision.allowed) return
  const { template } = action
  const missingScope = decision.reason === 'scope' ? decision.missing : undefined
  if (principal.kind === 'anonymous') {
    throw new GatewayError('CREDENTIAL_REQUIRED', credentialHint(`this needs ${missing(decision, action)}`), {
      missingScope,
    })
  }
  const message = `"${principal.name}" may not do this: it needs ${missing(decision, action)}`
  throw new GatewayError('FORBIDDEN', message, { template, missingScope })
}

/** Lets everybody pass but callers without a credential. @throws GatewayError CREDENTIAL_REQUIRED */
export function requireIdentified(principal: Principal): void {
  if (principal.kind !== 'anonymous') return
  throw new GatewayError('CREDENTIAL_REQUIRED', credentialHint('this needs a credential'))
}

function missing(decision: Decision & { readonly allowed: false }, action: Action): string {
  if (decision.reason === 'scope') return `the scope ${decision.missing}`
  return `a grant that covers the ${decision.reason} ${action.template ?? ''}`
}
