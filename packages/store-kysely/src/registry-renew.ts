import type { Kysely, Selectable, Transaction, Updateable } from 'kysely'
import type { DialectName } from './dialects.js'
import { secretsName } from './registry-rows.js'
import { instanceText, type RowSigner, settingsText } from './row-signature.js'
import { rewrapSecrets, type Seal } from './seal.js'
import type { InstancesTable, LoadBalancerConfigsTable, StoreTables } from './tables.js'
import { lockVersion } from './tombstones.js'
import { type Patience, transact } from './transact.js'

// Writers of the registry wait while a batch is written.
const BATCH = 100

/** What rows are brought under: the keys in use. */
export interface Renewal {
  readonly seal: Seal
  readonly signer: RowSigner
}

/**
 * After a change of the master key: wraps the secrets of instances anew and signs rows anew, in batches, each in a transaction
 * of its own; broken off, it goes on where it was at the next call. What rows say stays, so versions do too. A row whose
 * signature is wrong is left alone: nothing becomes trusted here.
 * @returns how many rows were written
 */
export async function renewRegistryRows(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  keys: Renewal,
  patience: Patience = {},
): Promise<number> {
  let renewed = 0
  for (;;) {
    const batch = await transact({ ...patience, db, dialect }, (trx) => renewBatch(trx, keys))
    renewed += batch
    if (batch < BATCH) return renewed
  }
}

async function renewBatch(trx: Transaction<StoreTables>, keys: Renewal): Promise<number> {
  await lockVersion(trx)
  const instances = await trx.selectFrom('instances').selectAll().orderBy('template_name').orderBy('id').execute()
  const settings = await trx.selectFrom('load_balancer_configs').selectAll().orderBy('template_name').execute()
  const due = instances.flatMap((row) => {
    const change = renewedInstance(row, keys)
    return change === undefined ? [] : [{ row, change }]
  })
  const dueSettings = settings.filter((row) => isDue(settingsText(row), row.signature, keys.signer))
  const nowInstances = due.slice(0, BATCH)
  const nowSettings = dueSettings.slice(0, BATCH - nowInstances.length)
  for (const { row, change } of nowInstances) await updateInstance(trx, row, change)
  for (const row of nowSettings) await updateSettings(trx, row, keys.signer)
  return nowInstances.length + nowSettings.length
}

function renewedInstance(
  row: Selectable<InstancesTable>,
  { seal, signer }: Renewal,
): Updateable<InstancesTable> | undefined {
  if (row.signature === null || !signer.verify(instanceText(row), row.signature)) return undefined
  const secrets = rewrapSecrets(row.secrets, secretsName(row.template_name, row.id), seal)
  if (secrets === undefined && signer.isOutdated?.(row.signature) !== true) return undefined
  const wrapped = { ...row, secrets: secrets ?? row.secrets }
  return { secrets: wrapped.secrets, signature: signer.sign(instanceText(wrapped)) }
}

function isDue(text: string, signature: string | null, signer: RowSigner): boolean {
  return signature !== null && signer.isOutdated?.(signature) === true && signer.verify(text, signature)
}

async function updateInstance(
  trx: Transaction<StoreTables>,
  { template_name, id }: Selectable<InstancesTable>,
  change: Updateable<InstancesTable>,
): Promise<void> {
  const query = trx.updateTable('instances').set(change).where('template_name', '=', template_name)
  await query.where('id', '=', id).execute()
}

async function updateSettings(
  trx: Transaction<StoreTables>,
  row: Selectable<LoadBalancerConfigsTable>,
  signer: RowSigner,
): Promise<void> {
  const signature = signer.sign(settingsText(row))
  await trx
    .updateTable('load_balancer_configs')
    .set({ signature })
    .where('template_name', '=', row.template_name)
    .execute()
}
