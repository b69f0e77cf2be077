import { isRole, isScope, type Role, type Scope, type SignatureAlgorithm } from '@mcp-platform/auth'
import { isLoopback } from '../http/addresses.js'
import { isObject, type JsonObject } from '../json-object.js'
import type { Parsed, Parser } from './parsers.js'

/** An issuer whose access tokens are taken, as it stands in the configuration. */
export interface TokenIssuer {
  /** Compared with `iss` exactly. */
  readonly issuer: string
  /** Where its keys are; absent: discovered from the issuer. */
  readonly jwks_url?: string | undefined
  /** What it calls the gateway in `aud`, where that cannot be the public URL or one below it. */
  readonly audience?: readonly string[] | undefined
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Values of the header `typ` that are taken. */
  readonly types?: readonly string[] | undefined
  /** The claim that says who somebody is here: a name, or a path like `realm_access.roles`. */
  readonly role_claim?: string | undefined
  /** Value of that claim -> role. */
  readonly roles?: Readonly<Record<string, Role>> | undefined
  /** Role of everybody with a good token of this issuer. */
  readonly default_role?: Role | undefined
  /** Scopes that the token's own `scope` claim may give. */
  readonly scopes?: readonly Scope[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
  /** The claim to show as the name. */
  readonly name_claim?: string | undefined
  /** The longest life of a token, in seconds. */
  readonly max_lifetime?: number | undefined
}

type Check = (value: unknown) => string | undefined

const ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'] satisfies SignatureAlgorithm[]

/** What each member must be; a sentence says what is wrong. */
const CHECKS: Readonly<Record<keyof TokenIssuer, Check>> = {
  issuer: (value) => urlFault(value),
  jwks_url: (value) => urlFault(value),
  audience: texts,
  algorithms: listOf((item) => ALGORITHMS.includes(String(item)), ALGORITHMS.join(', ')),
  types: texts,
  role_claim: text,
  roles: (value) =>
    isObject(value) && Object.values(value).every(isRoleName) ? undefined : 'must map values of the claim to roles',
  default_role: (value) => (isRoleName(value) ? undefined : 'must be a role: admin, operator, user or auditor'),
  scopes: listOf((item) => typeof item === 'string' && isScope(item), 'scopes such as tools:call'),
  templates: texts,
  tools: texts,
  name_claim: text,
  max_lifetime: (value) =>
    Number.isInteger(value) && Number(value) >= 60 && Number(value) <= 604_800
      ? undefined
      : 'must be whole seconds from 60 to 604800',
}

/** Issuers of access tokens: a list of objects in the file, or JSON where there is only text. */
export function tokenIssuers(): Parser<readonly TokenIssuer[]> {
  return {
    kind: 'list of issuers, or JSON',
    parse(raw) {
      const given: readonly unknown[] = (Array.isArray(raw) ? raw : [raw]).flatMap(parsedItem)
      if (given.includes(undefined)) return { fault: 'is not JSON; it must be an object like {"issuer": "https://…"}' }
      return checked(given)
    },
  }
}

function checked(items: readonly unknown[]): Parsed<readonly TokenIssuer[]> {
  const issuers: TokenIssuer[] = []
  for (const item of items) {
    const fault = faultOf(item)
    if (fault !== undefined) return { fault }
    const issuer = item as TokenIssuer
    if (issuers.some((other) => other.issuer === issuer.issuer)) return { fault: `has ${issuer.issuer} twice` }
    issuers.push(issuer)
  }
  return { value: issuers }
}

function faultOf(item: unknown): string | undefined {
  if (!isObject(item) || item['issuer'] === undefined) return 'needs objects with an "issuer", the value of "iss"'
  const name = JSON.stringify(item['issuer'])
  for (const [member, value] of Object.entries(item)) {
    const check = Object.hasOwn(CHECKS, member) ? CHECKS[member as keyof TokenIssuer] : undefined
    const known = Object.keys(CHECKS).join(', ')
    const fault = check === undefined ? `is not known; known are ${known}` : check(value)
    if (fault !== undefined) return `issuer ${name}: ${member} ${fault}`
  }
  return rolelessFault(item, name)
}

// A mistake that would show as 403 for everybody.
function rolelessFault({ roles, role_claim, default_role, scopes }: JsonObject, name: string): string | undefined {
  if (roles !== undefined && role_claim === undefined)
    return `issuer ${name}: roles needs role_claim, the claim to read`
  if (roles === undefined && default_role === undefined && scopes === undefined) {
    return `issuer ${name}: gives nobody any right; it needs role_claim and roles, default_role or scopes`
  }
  return undefined
}

function urlFault(value: unknown): string | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  const isPlain = url?.username === '' && url.password === '' && url.hash === ''
  return isSafe && isPlain ? undefined : 'must be an https URL (http only on loopback) without user name and "#"'
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'must be a text'
}

function texts(value: unknown): string | undefined {
  return listOf((item) => text(item) === undefined, 'texts')(value)
}

function listOf(fits: (item: unknown) => boolean, what: string): Check {
  return (value) =>
    Array.isArray(value) && value.length > 0 && value.every(fits) ? undefined : `must be a list of ${what}`
}

function isRoleName(value: unknown): boolean {
  return typeof value === 'string' && isRole(value)
}

function parsedItem(item: unknown): unknown {
  return typeof item === 'string' ? parsed(item) : item
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // What is no JSON is reported by `parse`, in one sentence and without repeating the text.
    return undefined
  }
}
