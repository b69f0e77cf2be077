import { AuthForbiddenError, LastAdminError, UserExistsError, UserNotFoundError } from '../errors.js'
import { grantOf } from '../grant.js'
import type { Role, Scope } from '../principal.js'
import { type Actor, requireCovers, requireScope } from './actor.js'
import type { IdentityChange, IdentityState } from './state.js'
import { nextEpoch, type User } from './user.js'

/** A user to be made. */
export interface NewUser {
  readonly name: string
  readonly role: Role
  readonly scopes?: readonly Scope[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
}

/** What to change in a user; absent fields stay, `null` takes a narrowing away. */
export interface UserPatch {
  readonly role?: Role | undefined
  readonly scopes?: readonly Scope[] | undefined
  readonly templates?: readonly string[] | null | undefined
  readonly tools?: readonly string[] | null | undefined
  readonly disabled?: boolean | undefined
}

/** The user of this name. @throws UserNotFoundError */
export function requireUser(state: IdentityState, name: string): User {
  const user = state.users.get(name)
  if (user === undefined) throw new UserNotFoundError(name)
  return user
}

/** The user that `actor` wants to make. @throws UserExistsError, AuthForbiddenError */
export function planCreate(state: IdentityState, wanted: NewUser, actor: Actor, now: number): User {
  requireScope(actor, 'users:admin')
  const { name, role } = wanted
  const user = newUser(wanted, now)
  requireCovers(actor, grantOf(user), `make ${name} ${role}`)
  if (state.users.has(name)) throw new UserExistsError(name)
  return user
}

/** A user that there was not before. */
export function newUser({ name, role, scopes = [], templates, tools }: NewUser, now: number): User {
  const at = new Date(now)
  return {
    name,
    role,
    scopes,
    templates,
    tools,
    disabled: false,
    epoch: nextEpoch(undefined, now),
    createdAt: at,
    updatedAt: at,
  }
}

/**
 * The user after a patch. Rights that result may not exceed the actor's, neither by changing nor by enabling;
 * disabling needs no more than users:admin, so that whoever sees an intruder can act.
 * @throws UserNotFoundError, AuthForbiddenError, LastAdminError
 */
export function planPatch(state: IdentityState, name: string, patch: UserPatch, actor: Actor, now: number): User {
  requireScope(actor, 'users:admin')
  const user = requireUser(state, name)
  const changed = applyPatch(user, patch)
  if (givesRights(user, changed)) requireCovers(actor, grantOf(changed), `change ${name}`)
  if (!isActiveAdmin(changed)) requireAnotherAdmin(state, user)
  return { ...changed, epoch: nextEpoch(user.epoch, now), updatedAt: new Date(now) }
}

/** What deleting a user changes: its keys end with it. @throws UserNotFoundError, AuthForbiddenError, LastAdminError */
export function planDelete(state: IdentityState, name: string, actor: Actor, now: number): IdentityChange[] {
  requireScope(actor, 'users:admin')
  const user = requireUser(state, name)
  requireAnotherAdmin(state, user)
  const owned = [...state.keys.values()].filter((key) => key.owner === `user:${name}` && key.revokedAt === undefined)
  const revokedAt = new Date(now)
  return [
    { op: 'delete-user', name },
    ...owned.map((key): IdentityChange => ({ op: 'put-key', key: { ...key, revokedAt } })),
  ]
}

/** The user after a new password; who sets it for somebody else could log in as them, so must have their rights. */
export function planPassword(state: IdentityState, name: string, actor: Actor, now: number): User {
  const isOwn = actor.principal.kind === 'user' && actor.principal.name === name
  if (!isOwn) requireScope(actor, 'users:admin')
  const user = requireUser(state, name)
  if (!isOwn) requireCovers(actor, grantOf(user), `set the password of ${name}`)
  if (isOwn && user.disabled) throw new AuthForbiddenError(`${name} is disabled`)
  return { ...user, epoch: nextEpoch(user.epoch, now), updatedAt: new Date(now) }
}

function applyPatch(user: User, patch: UserPatch): User {
  return {
    ...user,
    role: patch.role ?? user.role,
    scopes: patch.scopes ?? user.scopes,
    templates: patch.templates === undefined ? user.templates : (patch.templates ?? undefined),
    tools: patch.tools === undefined ? user.tools : (patch.tools ?? undefined),
    disabled: patch.disabled ?? user.disabled,
  }
}

function givesRights(before: User, after: User): boolean {
  if (after.disabled && !before.disabled) return hasOtherGrant(before, after)
  return hasOtherGrant(before, after) || before.disabled !== after.disabled
}

function hasOtherGrant(before: User, after: User): boolean {
  const grant = ({ role, scopes, templates, tools }: User): string =>
    JSON.stringify([role, scopes, templates ?? null, tools ?? null])
  return grant(before) !== grant(after)
}

function requireAnotherAdmin(state: IdentityState, user: User): void {
  if (!isActiveAdmin(user)) return
  const others = [...state.users.values()].some((other) => other.name !== user.name && isActiveAdmin(other))
  if (!others) throw new LastAdminError(user.name)
}

function isActiveAdmin(user: User): boolean {
  return user.role === 'admin' && !user.disabled
}
