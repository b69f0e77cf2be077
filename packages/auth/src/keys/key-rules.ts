import { AuthForbiddenError, KeyNotFoundError } from '../errors.js'
import { type Grant, grantOf, intersectGrants } from '../grant.js'
import { type Actor, requireCovers } from '../identity/actor.js'
import type { IdentityState } from '../identity/state.js'
import { requireUser } from '../identity/user-rules.js'
import type { Principal } from '../principal.js'
import type { ApiKey } from './api-key.js'

const USER_PREFIX = 'user:'

/** What a key says that it may do. */
export function keyGrant(key: Pick<ApiKey, 'scopes' | 'templates' | 'tools'>): Grant {
  return { scopes: new Set(key.scopes), templates: key.templates, tools: key.tools }
}

/** The name of the user who owns a key; undefined for keys of the local administrator and of other issuers' users. */
export function ownerName(owner: string): string | undefined {
  return owner.startsWith(USER_PREFIX) ? owner.slice(USER_PREFIX.length) : undefined
}

/**
 * Whose key a new one will be. A person makes keys for themselves; for others, and by a key, it takes keys:admin:
 * a stolen key must not breed. Users of other issuers own none: a key would outlive their account.
 * @throws AuthForbiddenError, UserNotFoundError
 */
export function planOwner(state: IdentityState, owner: string | undefined, actor: Actor): string {
  const { principal } = actor
  const own = principal.owner ?? principal.id
  const isAdmin = principal.scopes.has('keys:admin')
  if (!isAdmin && (!ownsKeys(principal) || (owner !== undefined && `${USER_PREFIX}${owner}` !== own))) {
    throw new AuthForbiddenError(`${principal.name} may not make this API key: it needs the scope keys:admin`)
  }
  if (owner === undefined) return own
  return `${USER_PREFIX}${requireUser(state, owner).name}`
}

/**
 * The key, for whoever may see it: its owner, and keys:admin. Others get the same answer as for a key that is not there.
 * @throws KeyNotFoundError
 */
export function requireKey(state: IdentityState, id: string, actor: Actor): ApiKey {
  const key = state.keys.get(id)
  if (key === undefined || !maySee(actor.principal, key)) throw new KeyNotFoundError(id)
  return key
}

/** True for the owner of a key and for keys:admin. */
export function maySee(principal: Principal, key: ApiKey): boolean {
  return principal.scopes.has('keys:admin') || (ownsKeys(principal) && key.owner === principal.id)
}

/** Whoever rotates a key holds it afterwards, so must have its rights. @throws AuthForbiddenError */
export function requireMayHold(state: IdentityState, key: ApiKey, actor: Actor): void {
  const owner = ownerName(key.owner)
  const user = owner === undefined ? undefined : requireUser(state, owner)
  const grant = user === undefined ? keyGrant(key) : intersectGrants(keyGrant(key), grantOf(user))
  requireCovers(actor, grant, `hold the API key ${key.name}`)
}

function ownsKeys(principal: Principal): boolean {
  return principal.kind === 'user' || principal.kind === 'local-admin'
}
