import type { Principal } from '@mcp-platform/auth'
import { type Instance, type LaunchProfiles, type Template, ValidationError } from '@mcp-platform/core-registry'
import { GatewayError } from '@mcp-platform/gateway-core'
import { requireAllowed } from './access.js'

const OFF = 'stdio servers are switched off on this gateway (--stdio-mode off)'

/** Which stdio servers may be registered: none, launch profiles of local configuration, any command. */
export type StdioMode = 'off' | 'profiles' | 'commands'

/** What decides about the start of a child process on this machine. */
export interface StdioRules {
  readonly stdioMode: StdioMode
  /** Those of this machine. Absent: another process starts the children, and decides. */
  readonly profiles?: LaunchProfiles | undefined
}

/**
 * Lets a registration pass that makes the gateway run a program. To register a command is to run code on this machine.
 * @throws GatewayError FORBIDDEN, CREDENTIAL_REQUIRED
 */
export function requireMayRegisterCommand(principal: Principal, mode: StdioMode, template: string): void {
  requireAllowed(principal, { scope: 'registry:exec', template })
  const refusal = modeRefusal(mode)
  if (refusal !== undefined) throw new GatewayError('FORBIDDEN', refusal, { template })
}

/**
 * Lets a registration pass that names a launch profile. What is started the operator of this machine has chosen, so no
 * further scope is asked for than to register anything.
 * @throws GatewayError FORBIDDEN; ValidationError for a profile that is not configured
 */
export function requireKnownProfile(name: string, rules: StdioRules, at: { template: string; path: string }): void {
  if (rules.stdioMode === 'off') throw new GatewayError('FORBIDDEN', OFF, { template: at.template })
  const message = profileRefusal(name, rules.profiles)
  if (message !== undefined) throw new ValidationError([{ path: at.path, message }])
}

/** Says why this instance must not be started, at each start anew; undefined when it may. */
export function spawnRefusal(instance: Instance, { stdioMode, profiles }: StdioRules): string | undefined {
  const { attach, source, untrusted } = instance
  if (untrusted !== undefined) return untrusted
  if (attach.kind === 'http') return undefined
  if (attach.kind === 'profile') {
    if (stdioMode === 'off') return OFF
    return profileRefusal(attach.profile, profiles)
  }
  // What the operator wrote into a file on this machine is local configuration.
  if (stdioMode === 'profiles' && source.startsWith('file:')) return undefined
  return modeRefusal(stdioMode)
}

/** Says why the command that checks a template's health must not be run, at each start anew; undefined when it may. */
export function healthCommandRefusal(template: Template, mode: StdioMode): string | undefined {
  const isOverridden = template.override?.healthCheck !== undefined
  if (mode === 'profiles' && !isOverridden && template.declared?.source.startsWith('file:')) return undefined
  return modeRefusal(mode)
}

function modeRefusal(mode: StdioMode): string | undefined {
  if (mode === 'commands') return undefined
  if (mode === 'off') return OFF
  return 'this gateway starts launch profiles only: register it by "profile", put the server into the registry file, or start the gateway with --stdio-mode commands'
}

function profileRefusal(name: string, profiles: LaunchProfiles | undefined): string | undefined {
  if (profiles === undefined || profiles.has(name)) return undefined
  const known =
    profiles.size === 0 ? 'there is none (--launch-profiles)' : `known are ${[...profiles.keys()].join(', ')}`
  return `no launch profile ${JSON.stringify(name)} is configured on this gateway; ${known}`
}
