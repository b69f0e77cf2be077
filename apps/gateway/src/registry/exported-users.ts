import type { ImportedUser, User } from '@mcp-platform/auth'
import { isRole, isScope } from '@mcp-platform/auth'
import type { ExportedUser } from '@mcp-platform/contract'
import type { Fault } from '@mcp-platform/core-registry'
import { isObject } from '../json-object.js'

/** A user as an export holds it, with the hash of the password. */
export function userToWire(user: User, passwordHash: string | undefined): ExportedUser {
  const { name, role, scopes, templates, tools, disabled } = user
  return {
    name,
    role,
    ...(scopes.length === 0 ? {} : { scopes }),
    ...(templates === undefined ? {} : { templates }),
    ...(tools === undefined ? {} : { tools }),
    ...(disabled ? { disabled } : {}),
    ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
  }
}

type Kind = 'text' | 'texts' | 'flag'

const FIELDS: Readonly<Record<string, Kind>> = {
  name: 'text',
  role: 'text',
  scopes: 'texts',
  templates: 'texts',
  tools: 'texts',
  disabled: 'flag',
  password_hash: 'text',
}
const WORDS: Readonly<Record<Kind, string>> = { text: 'a text', texts: 'a list of texts', flag: 'true or false' }

/** Reads the users of a document; what is wrong is appended to `faults`, and never repeats a value. */
export function readUsers(input: unknown, faults: Fault[]): ImportedUser[] {
  if (!Array.isArray(input)) {
    faults.push({ path: 'users', message: 'expected a list of users' })
    return []
  }
  return input.flatMap((entry, index) => readUser(entry, `users[${index}]`, faults) ?? [])
}

function readUser(entry: unknown, at: string, faults: Fault[]): ImportedUser | undefined {
  const before = faults.length
  const report = (path: string, message: string): void => void faults.push({ path, message })
  if (!isObject(entry)) {
    report(at, 'expected an object')
    return undefined
  }
  for (const [name, value] of Object.entries(entry)) {
    const kind = FIELDS[name]
    if (kind === undefined) report(`${at}.${name}`, `unknown field; known fields are ${Object.keys(FIELDS).join(', ')}`)
    else if (!isOf(kind, value)) report(`${at}.${name}`, `expected ${WORDS[kind]}`)
  }
  const { name, role, scopes, templates, tools, disabled, password_hash } = entry as Partial<ExportedUser>
  if (name === undefined) report(`${at}.name`, 'is required: a text')
  if (role === undefined || (typeof role === 'string' && !isRole(role))) report(`${at}.role`, 'is no role there is')
  if (Array.isArray(scopes) && !scopes.every((scope) => typeof scope === 'string' && isScope(scope))) {
    report(`${at}.scopes`, 'holds a scope that there is not')
  }
  if (faults.length > before || name === undefined || role === undefined || !isRole(role)) return undefined
  return { name, role, scopes: scopes?.filter(isScope), templates, tools, disabled, passwordHash: password_hash }
}

function isOf(kind: Kind, value: unknown): boolean {
  if (kind === 'flag') return typeof value === 'boolean'
  if (kind === 'text') return typeof value === 'string'
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
