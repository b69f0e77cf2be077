import type { IdentityChange, IdentityChanges, IdentityState } from '@mcp-platform/auth'
import type { Database } from '../dialects.js'
import { readVersion } from '../registry-read.js'
import { toKey, toUser } from './identity-rows.js'

/** Everything. Call it in a transaction in which all reads see one moment. */
export async function readIdentity(db: Database): Promise<IdentityState> {
  const { version } = await readVersion(db)
  const users = await db.selectFrom('users').selectAll().orderBy('name').execute()
  const keys = await db.selectFrom('api_keys').selectAll().orderBy('id').execute()
  const revoked = await db.selectFrom('revoked_tokens').selectAll().orderBy('id').execute()
  return {
    version,
    users: new Map(users.map((row) => [row.name, toUser(row)])),
    keys: new Map(keys.map((row) => [row.id, toKey(row)])),
    revokedTokens: new Map(revoked.map((row) => [row.id, new Date(row.expires_at)])),
  }
}

/** What became different after `since`. Call it in a transaction in which all reads see one moment. */
export async function readIdentityChanges(db: Database, since: number): Promise<IdentityChanges> {
  const { version, pruned } = await readVersion(db)
  const full = since > version || since < pruned
  const after = full ? -1 : since
  const deleted = full ? [] : await readDeletions(db, since)
  return { version, full, changes: [...deleted, ...(await readPuts(db, after))] }
}

async function readPuts(db: Database, after: number): Promise<IdentityChange[]> {
  const users = await db.selectFrom('users').selectAll().where('v', '>', after).orderBy('name').execute()
  const keys = await db.selectFrom('api_keys').selectAll().where('v', '>', after).orderBy('id').execute()
  const revoked = await db.selectFrom('revoked_tokens').selectAll().where('v', '>', after).orderBy('id').execute()
  return [
    ...users.map((row): IdentityChange => ({ op: 'put-user', user: toUser(row) })),
    ...keys.map((row): IdentityChange => ({ op: 'put-key', key: toKey(row) })),
    ...revoked.map(
      ({ id, expires_at }): IdentityChange => ({ op: 'revoke-token', id, expiresAt: new Date(expires_at) }),
    ),
  ]
}

async function readDeletions(db: Database, since: number): Promise<IdentityChange[]> {
  const rows = await db
    .selectFrom('tombstones')
    .select(['kind', 'id'])
    .where('kind', 'in', ['user', 'api-key'])
    .where('v', '>', since)
    .orderBy('id')
    .execute()
  return rows.map(({ kind, id }) => (kind === 'user' ? { op: 'delete-user', name: id } : { op: 'delete-key', id }))
}

/**
 * The version of the last change of users and keys; changes of the registry do not count. Where deletions were forgotten it is
 * at least their version.
 */
export async function identityVersion(db: Database): Promise<number> {
  const { pruned } = await readVersion(db)
  const latest = await Promise.all([
    db
      .selectFrom('users')
      .select((eb) => eb.fn.max('v').as('v'))
      .executeTakeFirst(),
    db
      .selectFrom('api_keys')
      .select((eb) => eb.fn.max('v').as('v'))
      .executeTakeFirst(),
    db
      .selectFrom('revoked_tokens')
      .select((eb) => eb.fn.max('v').as('v'))
      .executeTakeFirst(),
    db
      .selectFrom('tombstones')
      .select((eb) => eb.fn.max('v').as('v'))
      .where('kind', 'in', ['user', 'api-key'])
      .executeTakeFirst(),
  ])
  return Math.max(pruned, ...latest.map((row) => Number(row?.v ?? 0)))
}
