import type { Principal } from '@mcp-platform/auth'
import type { Instance, Template } from '@mcp-platform/core-registry'
import { GatewayError } from '@mcp-platform/gateway-core'
import { requireAllowed } from './access.js'

/** Which stdio servers may be registered: none, launch profiles of local configuration, any command. */
export type StdioMode = 'off' | 'profiles' | 'commands'

/**
 * Lets a registration pass that makes the gateway run a program. To register a command is to run code on this machine.
 * @throws GatewayError FORBIDDEN, CREDENTIAL_REQUIRED
 */
export function requireMayRegisterCommand(principal: Principal, mode: StdioMode, template: string): void {
  requireAllowed(principal, { scope: 'registry:exec', template })
  const refusal = modeRefusal(mode)
  if (refusal !== undefined) throw new GatewayError('FORBIDDEN', refusal, { template })
}

/** Says why this instance must not be started, at each start anew; undefined when it may. */
export function spawnRefusal(instance: Instance, mode: StdioMode): string | undefined {
  // What the operator wrote into a file on this machine is local configuration.
  if (mode === 'profiles' && instance.source.startsWith('file:')) return undefined
  return modeRefusal(mode)
}

/** Says why the command that checks a template's health must not be run, at each start anew; undefined when it may. */
export function healthCommandRefusal(template: Template, mode: StdioMode): string | undefined {
  const isOverridden = template.override?.healthCheck !== undefined
  if (mode === 'profiles' && !isOverridden && template.declared?.source.startsWith('file:')) return undefined
  return modeRefusal(mode)
}

function modeRefusal(mode: StdioMode): string | undefined {
  if (mode === 'commands') return undefined
  if (mode === 'off') return 'stdio servers are switched off on this gateway (--stdio-mode off)'
  return 'this gateway starts launch profiles only, and none of that name is configured; put the server into the registry file, or start the gateway with --stdio-mode commands'
}
