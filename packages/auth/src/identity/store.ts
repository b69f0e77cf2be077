import type { AuditEvent } from '../audit/event.js'
import type { IdentityChange, IdentityChanges, IdentityState } from './state.js'

/**
 * Keeps users, API keys and revoked tokens. One port for the three, because their rules span them: the last administrator
 * is counted over all users, and a deleted user's keys end in the same transaction.
 */
export interface IdentityStore {
  /** Everything, of one moment. */
  load(): Promise<IdentityState>
  /** What became different after `version`; cheap when nothing did. Asked each second. */
  changesSince(version: number): Promise<IdentityChanges>
  /**
   * Writes one change and its audit record in one transaction, if users, keys and revocations are still as at `expectedVersion`.
   * @returns the new version, greater than `expectedVersion`; nothing else has changed in between
   * @throws an error with code `AUTH_STALE` (IdentityStaleError) if somebody was faster; nothing is written then
   */
  commit(changes: readonly IdentityChange[], expectedVersion: number, audit: AuditEvent): Promise<number>
  /** The hash of a user's password; undefined for none and for unknown users. Read at login only. */
  passwordHash(user: string): Promise<string | undefined>
  /** Replaces the hash by a stronger one of the same password; does nothing if it is no longer `from`. No new version. */
  replacePasswordHash(user: string, from: string, to: string): Promise<void>
  /** Notes when keys were used last; unknown keys and earlier times are ignored. No new version. */
  recordUse(uses: ReadonlyMap<string, Date>): Promise<void>
  /** When each key was used last. */
  lastUses(): Promise<ReadonlyMap<string, Date>>
  /** Forgets revocations of tokens that have expired, and keys that were revoked or expired before `before`. */
  sweep(before: Date): Promise<void>
}

/**
 * Writes a change as a part of something larger that holds whole or not at all, as {@link IdentityStore.commit} does, and
 * rejects as it does. Called again when the change was decided anew.
 */
export type IdentityCommit = IdentityStore['commit']
