import type { AuditEvent } from '../audit/event.js'
import type { AuditStore } from '../audit/store.js'
import { IdentityStaleError } from '../errors.js'
import {
  applyChanges,
  emptyIdentity,
  type IdentityChange,
  type IdentityChanges,
  type IdentityState,
} from '../identity/state.js'
import type { IdentityStore } from '../identity/store.js'

/** Keeps users, keys and revocations for as long as the process lives. */
export class MemoryIdentityStore implements IdentityStore {
  readonly #audit: Pick<AuditStore, 'append'> | undefined
  readonly #hashes = new Map<string, string>()
  readonly #uses = new Map<string, Date>()
  #state: IdentityState = emptyIdentity

  /** @param audit gets the record of each change. @default records are dropped */
  constructor(audit?: Pick<AuditStore, 'append'>) {
    this.#audit = audit
  }

  async load(): Promise<IdentityState> {
    return this.#state
  }

  async changesSince(version: number): Promise<IdentityChanges> {
    if (version === this.#state.version) return { version, full: false, changes: [] }
    return { version: this.#state.version, full: true, changes: everything(this.#state) }
  }

  async commit(changes: readonly IdentityChange[], expectedVersion: number, audit: AuditEvent): Promise<number> {
    return this.prepare(changes, expectedVersion, audit)()
  }

  /**
   * Checks a change without making it. What it gives makes it at once, if called before anything else happens; only the
   * audit record may fail then.
   * @throws IdentityStaleError
   */
  prepare(changes: readonly IdentityChange[], expectedVersion: number, audit: AuditEvent): () => Promise<number> {
    if (expectedVersion !== this.#state.version) throw new IdentityStaleError(expectedVersion, this.#state.version)
    const next = applyChanges(this.#state, changes, expectedVersion + 1)
    return async () => {
      this.#state = next
      for (const change of changes) this.#keepHash(change)
      await this.#audit?.append([audit])
      return next.version
    }
  }

  async passwordHash(user: string): Promise<string | undefined> {
    return this.#hashes.get(user)
  }

  async replacePasswordHash(user: string, from: string, to: string): Promise<void> {
    if (this.#hashes.get(user) === from) this.#hashes.set(user, to)
  }

  async recordUse(uses: ReadonlyMap<string, Date>): Promise<void> {
    for (const [id, at] of uses) {
      const before = this.#uses.get(id)
      if (this.#state.keys.has(id) && (before === undefined || before < at)) this.#uses.set(id, at)
    }
  }

  async lastUses(): Promise<ReadonlyMap<string, Date>> {
    return new Map(this.#uses)
  }

  async sweep(before: Date): Promise<void> {
    const keys = [...this.#state.keys.values()].filter(
      ({ revokedAt, expiresAt }) => isBefore(revokedAt, before) || isBefore(expiresAt, before),
    )
    const revokedTokens = [...this.#state.revokedTokens].filter(([, expiresAt]) => expiresAt >= before)
    const changes = keys.map(({ id }): IdentityChange => ({ op: 'delete-key', id }))
    const version = this.#state.version + (changes.length > 0 ? 1 : 0)
    this.#state = { ...applyChanges(this.#state, changes, version), revokedTokens: new Map(revokedTokens) }
    for (const { id } of keys) this.#uses.delete(id)
  }

  #keepHash(change: IdentityChange): void {
    if (change.op === 'delete-user') this.#hashes.delete(change.name)
    if (change.op === 'put-user' && change.passwordHash !== undefined)
      this.#hashes.set(change.user.name, change.passwordHash)
  }
}

function isBefore(at: Date | undefined, before: Date): boolean {
  return at !== undefined && at < before
}

function everything(state: IdentityState): IdentityChange[] {
  return [
    ...[...state.users.values()].map((user): IdentityChange => ({ op: 'put-user', user })),
    ...[...state.keys.values()].map((key): IdentityChange => ({ op: 'put-key', key })),
    ...[...state.revokedTokens].map(([id, expiresAt]): IdentityChange => ({ op: 'revoke-token', id, expiresAt })),
  ]
}
