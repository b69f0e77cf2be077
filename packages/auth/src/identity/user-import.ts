import { AuthInvalidError, type FieldFault } from '../errors.js'
import { grantOf } from '../grant.js'
import { type Actor, requireCovers, requireScope } from './actor.js'
import type { PasswordHasher } from './password-hasher.js'
import type { IdentityChange, IdentityState } from './state.js'
import { type NewUser, newUser } from './user-rules.js'
import { validate } from './validation.js'

/** A user as another gateway, or another product, has kept it. */
export interface ImportedUser extends NewUser {
  readonly disabled?: boolean | undefined
  /** Of argon2 or bcrypt. Absent: the user cannot log in until a password is set. */
  readonly passwordHash?: string | undefined
}

/** What an import of users changed, or would change, by name. It neither changes nor removes users that are there. */
export interface ImportedUsers {
  readonly added: readonly string[]
  readonly unchanged: readonly string[]
}

/** Looks at all users before any is made. @throws AuthInvalidError with every fault, by the place in the list */
export function checkImport(wanted: readonly ImportedUser[], passwords: PasswordHasher): void {
  const faults = wanted.flatMap((user, index) => [
    ...faultsOf(user).map(({ path, message }) => ({ path: `users[${index}].${path}`, message })),
    ...hashFaults(user, passwords).map((message) => ({ path: `users[${index}].password_hash`, message })),
  ])
  const names = wanted.map(({ name }) => name)
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index) faults.push({ path: `users[${index}].name`, message: 'the name occurs twice' })
  }
  if (faults.length > 0) throw new AuthInvalidError(faults)
}

/** Decides an import: all or nothing. @throws AuthForbiddenError for a user with more rights than the actor has */
export function planImport(
  state: IdentityState,
  wanted: readonly ImportedUser[],
  actor: Actor,
  now: number,
): { readonly changes: readonly IdentityChange[]; readonly result: ImportedUsers } {
  requireScope(actor, 'users:admin')
  const fresh = wanted.filter(({ name }) => !state.users.has(name))
  const unchanged = wanted.filter(({ name }) => state.users.has(name))
  const changes = fresh.map((user): IdentityChange => {
    requireCovers(actor, grantOf({ ...user, scopes: user.scopes ?? [] }), `make ${user.name} ${user.role}`)
    const { disabled = false, passwordHash } = user
    return { op: 'put-user', user: { ...newUser(user, now), disabled }, passwordHash }
  })
  return { changes, result: { added: fresh.map(nameOf), unchanged: unchanged.map(nameOf) } }
}

function nameOf({ name }: ImportedUser): string {
  return name
}

function faultsOf({ name, role, scopes, templates, tools }: ImportedUser): readonly FieldFault[] {
  try {
    validate({ userName: name, role, scopes, templates, tools })
    return []
  } catch (error) {
    if (error instanceof AuthInvalidError) return error.errors
    throw error
  }
}

function hashFaults({ passwordHash }: ImportedUser, passwords: PasswordHasher): string[] {
  if (passwordHash === undefined || passwords.canImport(passwordHash)) return []
  return ['this is no password hash that can be imported (argon2id, or bcrypt of another product)']
}
