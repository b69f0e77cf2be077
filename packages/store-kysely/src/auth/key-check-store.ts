import type { KeyCheck, KeyCheckStore } from '@mcp-platform/auth'
import type { Kysely } from 'kysely'
import { type Database, type DialectName, traitsOf, upsert } from '../dialects.js'
import type { StoreTables } from '../tables.js'
import { lockVersion } from '../tombstones.js'
import { type Patience, retrying, transact } from '../transact.js'

const ONLY_ROW = 1

/** Keeps which master key a database belongs to. The Kysely stays yours. */
export function kyselyKeyCheckStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  patience: Omit<Patience, 'signal'> = {},
): KeyCheckStore {
  traitsOf(dialect)
  return {
    load: () => retrying(dialect, patience, () => read(db)),
    save: (check, expected) =>
      transact({ ...patience, db, dialect }, async (trx) => {
        await lockVersion(trx)
        if ((await read(trx))?.current.id !== expected) return false
        const rows = [{ id: ONLY_ROW, current_id: check.current.id, details: JSON.stringify(check) }]
        await upsert(trx, dialect, { table: 'key_checks', keys: ['id'], rows })
        return true
      }),
  }
}

async function read(db: Database): Promise<KeyCheck | undefined> {
  const row = await db.selectFrom('key_checks').select('details').where('id', '=', ONLY_ROW).executeTakeFirst()
  if (row === undefined) return undefined
  const { current, previous } = JSON.parse(row.details)
  if (previous === undefined) return { current }
  return { current, previous: { ...previous, replacedAt: new Date(previous.replacedAt) } }
}
