import type { Role, Scope } from '../principal.js'

/** A person or program with a name and a password. The hash of the password stays in the store. */
export interface User {
  /** Lower case, so that no two look alike: see {@link USER_NAME}. */
  readonly name: string
  readonly role: Role
  /** Granted by name, beyond the role: `registry:exec` belongs to no role. */
  readonly scopes: readonly Scope[]
  /** Globs of template names; absent: all; empty: none. */
  readonly templates?: readonly string[] | undefined
  /** Globs of tool names; absent: all; empty: none. */
  readonly tools?: readonly string[] | undefined
  readonly disabled: boolean
  /** Grows with every change that must end what was issued before: password, role, rights, disabling, deletion. */
  readonly epoch: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a user's name looks like. */
export const USER_NAME: RegExp = /^[a-z0-9][a-z0-9._@-]{0,63}$/

/** An epoch that no earlier one reaches, also when a user of the same name was deleted long ago. */
export function nextEpoch(previous: number | undefined, now: number): number {
  return Math.max((previous ?? 0) + 1, now)
}
