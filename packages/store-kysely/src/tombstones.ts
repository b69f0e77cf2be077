import { sql, type Transaction } from 'kysely'
import type { StoreTables } from './tables.js'

/**
 * Forgets deletions from before an instant and remembers up to where: who is further behind must load everything.
 * Call it in a transaction that holds the row of the version.
 */
export async function forgetTombstones(trx: Transaction<StoreTables>, before: Date): Promise<void> {
  const instant = before.toISOString()
  const old = await trx
    .selectFrom('tombstones')
    .select((eb) => eb.fn.max('v').as('v'))
    .where('deleted_at', '<', instant)
    .executeTakeFirst()
  if (old?.v === undefined || old.v === null) return
  await trx.deleteFrom('tombstones').where('deleted_at', '<', instant).execute()
  const pruned = Number(old.v)
  await trx.updateTable('registry_version').set({ pruned }).where('id', '=', 1).where('pruned', '<', pruned).execute()
}

/** Takes the row of the version, as every writer of the registry does first: no deadlocks, no change in between. */
export async function lockVersion(trx: Transaction<StoreTables>): Promise<void> {
  await trx
    .updateTable('registry_version')
    .set({ v: sql<number>`${sql.ref('v')}` })
    .where('id', '=', 1)
    .execute()
}

/** Takes the row of the version and the next number: commit order equals number order. */
export async function nextVersion(trx: Transaction<StoreTables>): Promise<number> {
  await trx
    .updateTable('registry_version')
    .set({ v: sql<number>`${sql.ref('v')} + 1` })
    .where('id', '=', 1)
    .execute()
  const row = await trx.selectFrom('registry_version').select('v').where('id', '=', 1).executeTakeFirstOrThrow()
  return Number(row.v)
}
