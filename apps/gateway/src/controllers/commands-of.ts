import type { Principal } from '@mcp-platform/auth'
import { type InstanceSpec, type PartialTemplateSettings, parseRegistryFile } from '@mcp-platform/core-registry'
import { requireKnownProfile, requireMayRegisterCommand, type StdioRules } from '../identity/stdio-mode.js'

/**
 * Lets an instance pass that would make the gateway run a program. `path`: of its launch profile in what was sent.
 * @throws GatewayError FORBIDDEN, CREDENTIAL_REQUIRED; ValidationError
 */
export function requireMayStart(
  principal: Principal,
  rules: StdioRules,
  { template, attach }: InstanceSpec,
  path: string,
): void {
  if (attach.kind === 'stdio') requireMayRegisterCommand(principal, rules.stdioMode, template)
  if (attach.kind === 'profile') requireKnownProfile(attach.profile, rules, { template, path })
}

/**
 * Lets a document pass whose templates would make the gateway run programs: as instances, or to check their health.
 * @throws GatewayError FORBIDDEN, CREDENTIAL_REQUIRED; ValidationError
 */
export function requireMayImport(principal: Principal, rules: StdioRules, document: unknown): void {
  const { specs, templates } = parseRegistryFile(document, 'import')
  for (const { name, settings } of templates) {
    if (runsCommand(settings)) requireMayRegisterCommand(principal, rules.stdioMode, name)
  }
  for (const spec of specs)
    requireMayStart(principal, rules, spec, `templates.${spec.template}.${spec.id ?? 'profile'}`)
}

function runsCommand(settings: PartialTemplateSettings): boolean {
  return settings.healthCheck?.kind === 'command'
}

/** True for a PATCH body that sets a command as health check; what else is wrong with it is found later. */
export function setsCommand(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('health_check' in body)) return false
  const check = body.health_check
  return typeof check === 'object' && check !== null && 'command' in check
}
