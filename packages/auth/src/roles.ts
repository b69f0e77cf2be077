import type { Role, Scope } from './principal.js'

const USER: readonly Scope[] = ['tools:read', 'tools:call', 'resources:read', 'prompts:read', 'registry:read']

/**
 * What each role may do. `registry:exec` belongs to no role: it is granted by name,
 * because registering a command is running code on the gateway's machine.
 */
export const roleScopes: Readonly<Record<Role, ReadonlySet<Scope>>> = {
  user: new Set(USER),
  operator: new Set<Scope>([...USER, 'registry:write', 'metrics:read']),
  auditor: new Set<Scope>(['registry:read', 'audit:read', 'metrics:read']),
  admin: new Set<Scope>([...USER, 'registry:write', 'users:admin', 'keys:admin', 'audit:read', 'metrics:read']),
}
