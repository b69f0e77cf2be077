import type { JWTPayload } from 'jose'
import type { Role, Scope } from '../principal.js'
import { roleScopes } from '../roles.js'
import { scopesOf } from './access-tokens.js'

/** How the claims of another issuer become rights here. What is not named gives nothing. */
export interface ClaimRules {
  /** The claim to read: `groups`, `roles`, or a path such as `realm_access.roles`. Text (space-separated) or a list of texts. */
  readonly claim?: string | undefined
  /** Value of the claim -> role. */
  readonly roles?: Readonly<Record<string, Role>> | undefined
  /** Role of everybody with a good token of this issuer. @default none */
  readonly everybody?: Role | undefined
  /** Scopes that a token's own `scope` claim may give, beyond roles. @default none */
  readonly scopes?: readonly Scope[] | undefined
}

/**
 * The rights of a token: those of its roles and the scopes that it may bring itself. A `scope` claim that names any scope of
 * ours also narrows: a client that asked for `tools:read` gets no more.
 */
export function rightsOf(claims: JWTPayload, rules: ClaimRules): ReadonlySet<Scope> {
  const asked = scopesOf(typeof claims['scope'] === 'string' ? claims['scope'] : '')
  const rights = new Set<Scope>(rolesOf(claims, rules).flatMap((role) => [...roleScopes[role]]))
  for (const scope of rules.scopes ?? []) if (asked.has(scope)) rights.add(scope)
  if (asked.size === 0) return rights
  return new Set([...rights].filter((scope) => asked.has(scope)))
}

function rolesOf(claims: JWTPayload, { claim, roles = {}, everybody }: ClaimRules): Role[] {
  const values = claim === undefined ? [] : textsOf(memberAt(claims, claim))
  const mapped = values.flatMap((value) => {
    const role = Object.hasOwn(roles, value) ? roles[value] : undefined
    return role === undefined ? [] : [role]
  })
  return everybody === undefined ? mapped : [everybody, ...mapped]
}

// A claim whose own name has dots (`https://example.com/roles`) comes before a path.
function memberAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Object.entries(value).find(([member]) => member === name)?.[1]
  }
  return value
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
