import type { IdentityChange } from '@mcp-platform/auth'
import type { Transaction } from 'kysely'
import { type DialectName, upsert } from '../dialects.js'
import { IdentityStaleError } from '../errors.js'
import type { StoreTables, TombstonesTable } from '../tables.js'
import { nextVersion } from '../tombstones.js'
import { identityVersion } from './identity-read.js'
import { keyRow, userRow } from './identity-rows.js'

/** Users and keys belong to no template. */
const NO_TEMPLATE = '*'

type Kind = Extract<TombstonesTable['kind'], 'user' | 'api-key'>

/** What a commit needs besides the change. */
export interface IdentityFacts {
  readonly dialect: DialectName
  readonly expectedVersion: number
  readonly now: number
}

/**
 * Writes one change under the next version. Changes of the registry in between do no harm.
 * @throws IdentityStaleError when users or keys were changed since `expectedVersion`
 */
export async function commitIdentity(
  trx: Transaction<StoreTables>,
  changes: readonly IdentityChange[],
  { dialect, expectedVersion, now }: IdentityFacts,
): Promise<number> {
  const version = await nextVersion(trx)
  const latest = await identityVersion(trx)
  if (expectedVersion < latest || expectedVersion >= version) throw new IdentityStaleError(expectedVersion, latest)
  const write = new IdentityWriter(trx, { dialect, version, deletedAt: new Date(now).toISOString() })
  for (const change of changes) await write.change(change)
  return version
}

class IdentityWriter {
  readonly #trx: Transaction<StoreTables>
  readonly #facts: { readonly dialect: DialectName; readonly version: number; readonly deletedAt: string }

  constructor(
    trx: Transaction<StoreTables>,
    facts: { readonly dialect: DialectName; readonly version: number; readonly deletedAt: string },
  ) {
    this.#trx = trx
    this.#facts = facts
  }

  change(change: IdentityChange): Promise<void> {
    if (change.op === 'put-user') return this.#putUser(change)
    if (change.op === 'put-key') return this.#putKey(change)
    if (change.op === 'delete-user') return this.#delete('user', change.name)
    if (change.op === 'delete-key') return this.#delete('api-key', change.id)
    return this.#revoke(change)
  }

  async #putUser({ user, passwordHash }: IdentityChange & { op: 'put-user' }): Promise<void> {
    const known = this.#trx.selectFrom('users').select('password_hash').where('name', '=', user.name)
    const hash = passwordHash ?? (await known.executeTakeFirst())?.password_hash ?? null
    const rows = [{ ...userRow(user, this.#facts.version), password_hash: hash }]
    await this.#unbury('user', user.name)
    await upsert(this.#trx, this.#facts.dialect, { table: 'users', keys: ['name'], rows })
  }

  async #putKey({ key }: IdentityChange & { op: 'put-key' }): Promise<void> {
    const known = this.#trx.selectFrom('api_keys').select('last_used_at').where('id', '=', key.id)
    const used = (await known.executeTakeFirst())?.last_used_at ?? null
    const rows = [{ ...keyRow(key, this.#facts.version), last_used_at: used }]
    await this.#unbury('api-key', key.id)
    await upsert(this.#trx, this.#facts.dialect, { table: 'api_keys', keys: ['id'], rows })
  }

  #revoke({ id, expiresAt }: IdentityChange & { op: 'revoke-token' }): Promise<void> {
    const rows = [{ id, expires_at: expiresAt.toISOString(), v: this.#facts.version }]
    return upsert(this.#trx, this.#facts.dialect, { table: 'revoked_tokens', keys: ['id'], rows })
  }

  async #delete(kind: Kind, id: string): Promise<void> {
    if (kind === 'user') await this.#trx.deleteFrom('users').where('name', '=', id).execute()
    else await this.#trx.deleteFrom('api_keys').where('id', '=', id).execute()
    const { dialect, version, deletedAt } = this.#facts
    const rows = [{ kind, template_name: NO_TEMPLATE, id, v: version, deleted_at: deletedAt }]
    await upsert(this.#trx, dialect, { table: 'tombstones', keys: ['kind', 'template_name', 'id'], rows })
  }

  async #unbury(kind: Kind, id: string): Promise<void> {
    await this.#trx.deleteFrom('tombstones').where('kind', '=', kind).where('id', '=', id).execute()
  }
}
