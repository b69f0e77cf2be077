import type { RefreshExchange, RefreshTokenRecord, RefreshTokenStore } from '@mcp-platform/auth'
import type { Insertable, Kysely, Selectable, Transaction } from 'kysely'
import { type DialectName, traitsOf } from '../dialects.js'
import type { StoreTables } from '../tables.js'
import { type Patience, retrying, transact } from '../transact.js'
import type { RefreshTokensTable } from './tables.js'

/** Keeps refresh tokens, hashed, in a database whose schema {@link migrate} has made. The Kysely stays yours. */
export function kyselyRefreshTokenStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  patience: Omit<Patience, 'signal'> = {},
): RefreshTokenStore {
  traitsOf(dialect)
  const patiently = async (work: () => Promise<unknown>): Promise<void> => {
    await retrying(dialect, patience, work)
  }
  return {
    insert: (record) => patiently(() => db.insertInto('refresh_tokens').values(toRow(record)).execute()),
    find: async (hash) => {
      const query = db.selectFrom('refresh_tokens').selectAll().where('hash', '=', hash)
      const row = await retrying(dialect, patience, () => query.executeTakeFirst())
      return row === undefined ? undefined : toRecord(row)
    },
    exchange: (hash, successor, at) =>
      transact({ ...patience, db, dialect }, (trx) => exchange(trx, { hash, successor, at })),
    revokeFamily: (family) => patiently(() => db.deleteFrom('refresh_tokens').where('family', '=', family).execute()),
    revokeUser: (user) => patiently(() => db.deleteFrom('refresh_tokens').where('user_name', '=', user).execute()),
    sweep: (before) =>
      patiently(() => db.deleteFrom('refresh_tokens').where('expires_at', '<', before.toISOString()).execute()),
  }
}

/** The update takes the row: of several at the same time one finds it unused. */
async function exchange(
  trx: Transaction<StoreTables>,
  { hash, successor, at }: { readonly hash: string; readonly successor: RefreshTokenRecord; readonly at: Date },
): Promise<RefreshExchange> {
  const { numUpdatedRows } = await trx
    .updateTable('refresh_tokens')
    .set({ used_at: at.toISOString() })
    .where('hash', '=', hash)
    .where('used_at', 'is', null)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) {
    await trx.insertInto('refresh_tokens').values(toRow(successor)).execute()
    return 'exchanged'
  }
  const known = await trx.selectFrom('refresh_tokens').select('hash').where('hash', '=', hash).executeTakeFirst()
  return known === undefined ? 'unknown' : 'used'
}

function toRow(record: RefreshTokenRecord): Insertable<RefreshTokensTable> {
  const { hash, family, user, epoch, client, createdAt, expiresAt, usedAt } = record
  return {
    hash,
    family,
    user_name: user,
    epoch,
    client,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    used_at: usedAt?.toISOString() ?? null,
  }
}

function toRecord(row: Selectable<RefreshTokensTable>): RefreshTokenRecord {
  return {
    hash: row.hash,
    family: row.family,
    user: row.user_name,
    epoch: Number(row.epoch),
    client: row.client,
    createdAt: new Date(row.created_at),
    expiresAt: new Date(row.expires_at),
    ...(row.used_at === null ? {} : { usedAt: new Date(row.used_at) }),
  }
}
