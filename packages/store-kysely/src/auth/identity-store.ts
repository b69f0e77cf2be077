import type { IdentityStore } from '@mcp-platform/auth'
import type { Kysely, Transaction } from 'kysely'
import { type DialectName, traitsOf } from '../dialects.js'
import { readVersion } from '../registry-read.js'
import type { StoreTables } from '../tables.js'
import { lockVersion } from '../tombstones.js'
import { retrying, transact } from '../transact.js'
import { appendLinked, lockChain } from './audit-append.js'
import type { AuditingOptions } from './audit-store.js'
import { commitIdentity, type IdentityFacts } from './identity-commit.js'
import { readIdentity, readIdentityChanges } from './identity-read.js'

/** Options of {@link kyselyIdentityStore}. */
export interface IdentityStoreOptions extends AuditingOptions {
  /** Milliseconds since 1970, for the time of deletions. @default Date.now */
  readonly now?: (() => number) | undefined
}

/**
 * Keeps users, API keys and revoked tokens in a database whose schema {@link migrate} has made; versions are those of the
 * registry, so one look tells of changes of either. The Kysely stays yours: nothing here closes it.
 */
export function kyselyIdentityStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  options: IdentityStoreOptions,
): IdentityStore {
  traitsOf(dialect)
  const { chain, now = Date.now } = options
  const writing = { ...options, db, dialect }
  const reading = { ...writing, snapshot: true }
  return {
    load: () => transact(reading, readIdentity),
    changesSince: async (version) => {
      // Asked each second and nearly always in vain: one row, no transaction.
      const current = await retrying(dialect, options, () => readVersion(db))
      if (current.version === version) return { version, full: false, changes: [] }
      return transact(reading, (trx) => readIdentityChanges(trx, version))
    },
    commit: (changes, expectedVersion, audit) =>
      transact(writing, async (trx) => {
        await lockChain(trx, chain.node)
        const version = await commitIdentity(trx, changes, { dialect, expectedVersion, now: now() })
        await appendLinked(trx, [audit], { dialect, chain })
        return version
      }),
    passwordHash: async (user) => {
      const query = db.selectFrom('users').select('password_hash').where('name', '=', user)
      const row = await retrying(dialect, options, () => query.executeTakeFirst())
      return row?.password_hash ?? undefined
    },
    replacePasswordHash: async (user, from, to) => {
      const query = db.updateTable('users').set({ password_hash: to }).where('name', '=', user)
      await retrying(dialect, options, () => query.where('password_hash', '=', from).execute())
    },
    recordUse: (uses) => transact(writing, (trx) => recordUse(trx, uses)),
    lastUses: async () => {
      const query = db.selectFrom('api_keys').select(['id', 'last_used_at']).where('last_used_at', 'is not', null)
      const rows = await retrying(dialect, options, () => query.execute())
      return new Map(rows.flatMap(({ id, last_used_at: at }) => (at === null ? [] : [[id, new Date(at)] as const])))
    },
    sweep: (before) => transact(writing, (trx) => sweepIdentity(trx, before, { dialect, now: now() })),
  }
}

/** In one order for all writers: no deadlocks. */
async function recordUse(trx: Transaction<StoreTables>, uses: ReadonlyMap<string, Date>): Promise<void> {
  for (const [id, at] of [...uses].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const instant = at.toISOString()
    await trx
      .updateTable('api_keys')
      .set({ last_used_at: instant })
      .where('id', '=', id)
      .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', instant)]))
      .execute()
  }
}

async function sweepIdentity(
  trx: Transaction<StoreTables>,
  before: Date,
  { dialect, now }: Pick<IdentityFacts, 'dialect' | 'now'>,
): Promise<void> {
  const instant = before.toISOString()
  await lockVersion(trx)
  await trx.deleteFrom('revoked_tokens').where('expires_at', '<', instant).execute()
  const ended = await trx
    .selectFrom('api_keys')
    .select('id')
    .where((eb) => eb.or([eb('revoked_at', '<', instant), eb('expires_at', '<', instant)]))
    .execute()
  if (ended.length === 0) return
  const { version } = await readVersion(trx)
  const changes = ended.map(({ id }) => ({ op: 'delete-key', id }) as const)
  await commitIdentity(trx, changes, { dialect, expectedVersion: version, now })
}
