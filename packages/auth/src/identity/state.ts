import type { ApiKey } from '../keys/api-key.js'
import type { User } from './user.js'

/** One step of a change of users, keys and revocations. */
export type IdentityChange =
  /** Makes or replaces a user. `passwordHash` absent: the password stays as it is. */
  | { readonly op: 'put-user'; readonly user: User; readonly passwordHash?: string | undefined }
  | { readonly op: 'delete-user'; readonly name: string }
  | { readonly op: 'put-key'; readonly key: ApiKey }
  | { readonly op: 'delete-key'; readonly id: string }
  /** An access token that must not be taken any more; forgotten after `expiresAt`. */
  | { readonly op: 'revoke-token'; readonly id: string; readonly expiresAt: Date }

/** Everything that is needed to know a caller, at one version. Immutable. */
export interface IdentityState {
  readonly version: number
  readonly users: ReadonlyMap<string, User>
  readonly keys: ReadonlyMap<string, ApiKey>
  /** Ids of revoked access tokens, and when they expire by themselves. */
  readonly revokedTokens: ReadonlyMap<string, Date>
}

/** What became different after a version. */
export interface IdentityChanges {
  readonly version: number
  /** The changes are everything there is: start from nothing. */
  readonly full: boolean
  readonly changes: readonly IdentityChange[]
}

/** Nobody and nothing, at version 0: before the first load. */
export const emptyIdentity: IdentityState = Object.freeze({
  version: 0,
  users: new Map(),
  keys: new Map(),
  revokedTokens: new Map(),
})

/** A new state; the old one stays as it is. */
export function applyChanges(state: IdentityState, changes: readonly IdentityChange[], version: number): IdentityState {
  const users = new Map(state.users)
  const keys = new Map(state.keys)
  const revokedTokens = new Map(state.revokedTokens)
  for (const change of changes) {
    if (change.op === 'put-user') users.set(change.user.name, change.user)
    else if (change.op === 'delete-user') users.delete(change.name)
    else if (change.op === 'put-key') keys.set(change.key.id, change.key)
    else if (change.op === 'delete-key') keys.delete(change.id)
    else revokedTokens.set(change.id, change.expiresAt)
  }
  return { version, users, keys, revokedTokens }
}
