import { isCidr } from '../addresses.js'
import { AuthInvalidError, type FieldFault } from '../errors.js'
import type { Role, Scope } from '../principal.js'
import { roleScopes } from '../roles.js'
import { USER_NAME } from './user.js'

const MAX_GLOBS = 100
const GLOB = /^[A-Za-z0-9._*/:-]{1,128}$/
const MAX_NAME_LENGTH = 100
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a name
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

const SCOPES: ReadonlySet<string> = new Set<Scope>([
  'tools:read',
  'tools:call',
  'resources:read',
  'prompts:read',
  'registry:read',
  'registry:write',
  'registry:exec',
  'users:admin',
  'keys:admin',
  'audit:read',
  'metrics:read',
])

/** True for the scopes there are. */
export function isScope(text: string): text is Scope {
  return SCOPES.has(text)
}

/** True for the roles there are. */
export function isRole(text: string): text is Role {
  return Object.hasOwn(roleScopes, text)
}

/** What {@link validate} looks at; absent fields are not looked at. */
export interface Checked {
  readonly userName?: string | undefined
  readonly name?: string | undefined
  readonly role?: string | undefined
  readonly scopes?: readonly string[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
  readonly cidrs?: readonly string[] | undefined
}

/** Looks at everything that can be wrong by itself. @throws AuthInvalidError with all faults */
export function validate(input: Checked, more: readonly FieldFault[] = []): void {
  const faults = [
    ...nameFaults(input),
    ...(input.role === undefined || isRole(input.role) ? [] : [fault('role', `there is no role ${quote(input.role)}`)]),
    ...(input.scopes ?? [])
      .filter((scope) => !isScope(scope))
      .map((scope) => fault('scopes', `there is no scope ${quote(scope)}`)),
    ...globFaults('templates', input.templates),
    ...globFaults('tools', input.tools),
    ...(input.cidrs ?? [])
      .filter((cidr) => !isCidr(cidr))
      .map((cidr) => fault('cidrs', `${quote(cidr)} is no address or CIDR`)),
    ...more,
  ]
  if (faults.length > 0) throw new AuthInvalidError(faults)
}

function nameFaults({ userName, name }: Checked): FieldFault[] {
  const faults: FieldFault[] = []
  if (userName !== undefined && !USER_NAME.test(userName)) {
    faults.push(fault('name', 'a user name is 1 to 64 of a-z 0-9 . _ @ -, beginning with a letter or digit'))
  }
  if (name !== undefined && (name === '' || name.length > MAX_NAME_LENGTH || CONTROL.test(name))) {
    faults.push(fault('name', `a name is 1 to ${MAX_NAME_LENGTH} characters without control characters`))
  }
  return faults
}

function globFaults(path: string, globs: readonly string[] | undefined): FieldFault[] {
  if (globs === undefined) return []
  if (globs.length > MAX_GLOBS) return [fault(path, `at most ${MAX_GLOBS}`)]
  return globs
    .filter((glob) => !GLOB.test(glob))
    .map((glob) => fault(path, `${quote(glob)} is no glob (letters, digits, . _ / : - and *)`))
}

function fault(path: string, message: string): FieldFault {
  return { path, message }
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, MAX_NAME_LENGTH))
}
