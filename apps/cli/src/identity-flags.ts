import { type RoleName, roleNames, type ScopeName, scopeNames } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { argument } from './argument.js'
import { usageError } from './errors.js'
import { nearestName } from './input/nearest-name.js'
import { repeatable } from './repeatable-flag.js'

/** What a user or a key may do, and what it is narrowed to. */
export const grantFlags = {
  scope: repeatable(`a right: ${scopeNames.join(', ')}`, 'SCOPE'),
  template: repeatable('only templates that match; * stands for anything', 'GLOB'),
  tool: repeatable('only tools that match; * stands for anything', 'GLOB'),
}

/** The role as a flag. */
export const roleFlag = {
  role: Flags.string({ description: 'role', options: [...roleNames] }),
}

/** The name of a user as the first argument. */
export const userArg = {
  user: argument({ description: 'name of the user', required: true }),
}

interface GrantFlags {
  readonly role?: string | undefined
  readonly scope?: readonly string[] | undefined
  readonly template?: readonly string[] | undefined
  readonly tool?: readonly string[] | undefined
}

/** The same as the gateway takes it; what was not given is absent. */
export interface GivenGrant {
  readonly role?: RoleName | undefined
  readonly scopes?: readonly ScopeName[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
}

/** Reads role, scopes and narrowing. @throws CliError (usage) for a scope that is none */
export function givenGrant({ role, scope, template, tool }: GrantFlags): GivenGrant {
  return {
    role: roleNames.find((name) => name === role),
    scopes: scope?.map(requireScope),
    templates: template,
    tools: tool,
  }
}

function requireScope(text: string): ScopeName {
  const scope = scopeNames.find((name) => name === text)
  if (scope !== undefined) return scope
  const meant = nearestName(text, scopeNames)
  const hint = meant === undefined ? `there are ${scopeNames.join(', ')}` : `did you mean ${meant}?`
  throw usageError(`--scope ${JSON.stringify(text)} is no scope; ${hint}`)
}
