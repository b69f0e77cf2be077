import { matchesGlob } from './glob.js'
import type { Principal, Role, Scope } from './principal.js'
import { roleScopes } from './roles.js'

/** A set of rights, and what it is narrowed to. Absent lists are no narrowing; empty ones cover nothing. */
export interface Grant {
  readonly scopes: ReadonlySet<Scope>
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
}

/** The rights of a role and of scopes that were granted by name. */
export function grantOf(of: {
  readonly role: Role
  readonly scopes: readonly Scope[]
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
}): Grant {
  return { scopes: new Set([...roleScopes[of.role], ...of.scopes]), templates: of.templates, tools: of.tools }
}

/** True if everything that `inner` allows, `outer` allows too: nobody gives more than they have. */
export function coversGrant(outer: Grant | Principal, inner: Grant): boolean {
  return (
    [...inner.scopes].every((scope) => outer.scopes.has(scope)) &&
    coversGlobs(outer.templates, inner.templates) &&
    coversGlobs(outer.tools, inner.tools)
  )
}

/** What both allow. Globs that overlap without one covering the other are left out: when in doubt, no. */
export function intersectGrants(a: Grant, b: Grant): Grant {
  return {
    scopes: new Set([...a.scopes].filter((scope) => b.scopes.has(scope))),
    templates: intersectGlobs(a.templates, b.templates),
    tools: intersectGlobs(a.tools, b.tools),
  }
}

function coversGlobs(outer: readonly string[] | undefined, inner: readonly string[] | undefined): boolean {
  if (outer === undefined) return true
  return inner?.every((glob) => coversGlob(outer, glob)) ?? false
}

// Taken as a name, a glob's stars can be matched by stars only: what matches is covered, whatever they stand for.
function coversGlob(outer: readonly string[], inner: string): boolean {
  return outer.some((glob) => matchesGlob(glob, inner))
}

function intersectGlobs(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined) return b
  if (b === undefined) return a
  const both = [...a.filter((glob) => coversGlob(b, glob)), ...b.filter((glob) => coversGlob(a, glob))]
  return [...new Set(both)]
}
