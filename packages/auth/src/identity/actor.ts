import { AuthForbiddenError } from '../errors.js'
import { coversGrant, type Grant } from '../grant.js'
import type { Principal, Scope } from '../principal.js'

/** Who changes something, and by which request. */
export interface Actor {
  readonly principal: Principal
  readonly requestId?: string | undefined
  readonly address?: string | undefined
}

/** Lets an actor pass that has a scope. @throws AuthForbiddenError */
export function requireScope(actor: Actor, scope: Scope): void {
  if (!actor.principal.scopes.has(scope)) {
    throw new AuthForbiddenError(`"${actor.principal.name}" may not do this: it needs the scope ${scope}`)
  }
}

/** Lets an actor pass that has all of these rights itself. @throws AuthForbiddenError */
export function requireCovers(actor: Actor, grant: Grant, what: string): void {
  if (coversGrant(actor.principal, grant)) return
  const missing = [...grant.scopes].filter((scope) => !actor.principal.scopes.has(scope))
  const reason = missing.length > 0 ? missing.join(', ') : 'templates or tools beyond its own'
  throw new AuthForbiddenError(
    `${actor.principal.name} may not ${what}: it would give rights it does not have (${reason})`,
  )
}
