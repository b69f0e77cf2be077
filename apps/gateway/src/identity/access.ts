import { type Action, type Decision, decide, type Principal } from '@mcp-platform/auth'
import { GatewayError } from '@mcp-platform/gateway-core'
import { credentialRequired } from './local.js'

/**
 * Lets a principal pass that may do this.
 * @throws GatewayError FORBIDDEN; CREDENTIAL_REQUIRED for a caller without a credential, whom one would help
 */
export function requireAllowed(principal: Principal, action: Action): void {
  const decision = decide(principal, action)
  if (decision.allowed) return
  if (principal.kind === 'anonymous') throw credentialRequired(`this needs ${missing(decision, action)}`)
  throw new GatewayError('FORBIDDEN', `${principal.name} may not do this: it needs ${missing(decision, action)}`, {
    template: action.template,
  })
}

function missing(decision: Decision & { readonly allowed: false }, action: Action): string {
  if (decision.reason === 'scope') return `the scope ${decision.missing}`
  return `a grant that covers the ${decision.reason} ${action.template ?? ''}`
}
