import type { Principal, Scope } from './principal.js'
import { roleScopes } from './roles.js'

/** The caller when authentication is off: a user's scopes and metrics; never users, keys, audit or changes. */
export const anonymous: Principal = Object.freeze({
  id: 'anonymous',
  kind: 'anonymous',
  name: 'anonymous',
  scopes: new Set<Scope>([...roleScopes.user, 'metrics:read']),
})

/** The holder of the local admin token. On a loopback bind it may also register commands. */
export function localAdmin(options: { mayExecute: boolean }): Principal {
  const scopes = new Set<Scope>(roleScopes.admin)
  if (options.mayExecute) scopes.add('registry:exec')
  return Object.freeze({ id: 'local-admin', kind: 'local-admin', name: 'local-admin', scopes })
}
