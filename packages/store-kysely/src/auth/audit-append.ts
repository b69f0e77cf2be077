import type { AuditChain, AuditEvent, AuditRecord } from '@mcp-platform/auth'
import type { Insertable, Transaction } from 'kysely'
import { type DialectName, insertRows } from '../dialects.js'
import type { AuditEventsTable, StoreTables } from '../tables.js'
import { lockVersion } from '../tombstones.js'
import type { AuditLinksTable } from './tables.js'

// SQL Server takes 2,100 parameters and an event has 9 columns.
const CHUNK = 100

/** What an audit event belongs to, besides what it says. */
export interface AuditContext {
  readonly dialect: DialectName
  /** Of the node that writes. */
  readonly chain: AuditChain
  /** Version of the registry that the event made. */
  readonly registryVersion?: number | undefined
}

/**
 * Takes the row of this node's chain, as its first statement: whatever a transaction reads after it, it reads after all that
 * other connections of this node have written. Makes the row where there is none, under the lock of the version.
 */
export async function lockChain(trx: Transaction<StoreTables>, node: string): Promise<void> {
  if (await touchChain(trx, node)) return
  await lockVersion(trx)
  if (await touchChain(trx, node)) return
  const none = { mac: null, signature: null, begin_seq: null, begin_mac: null, begin_signature: null }
  await trx
    .insertInto('audit_chains')
    .values({ node, seq: 0, ...none })
    .execute()
}

async function touchChain(trx: Transaction<StoreTables>, node: string): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('audit_chains')
    .set((eb) => ({ seq: eb.ref('seq') }))
    .where('node', '=', node)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** Writes events, linked where there is a chain: call it in a transaction that has begun with {@link lockChain} then. */
export async function appendAudit(
  trx: Transaction<StoreTables>,
  events: readonly AuditEvent[],
  { chain, ...context }: Omit<AuditContext, 'chain'> & { readonly chain: AuditChain | undefined },
): Promise<void> {
  if (chain === undefined) await appendEvents(trx, events, context)
  else await appendLinked(trx, events, { ...context, chain })
}

async function appendEvents(
  trx: Transaction<StoreTables>,
  events: readonly AuditEvent[],
  { dialect, registryVersion }: Omit<AuditContext, 'chain'>,
): Promise<void> {
  for (let start = 0; start < events.length; start += CHUNK) {
    const rows = events.slice(start, start + CHUNK).map((event) => eventRow(event, registryVersion))
    await insertRows(trx, dialect, 'audit_events', rows)
  }
}

/** Writes events at the end of this node's chain. Call it in a transaction that has begun with {@link lockChain}. */
export async function appendLinked(
  trx: Transaction<StoreTables>,
  events: readonly AuditEvent[],
  { dialect, chain, registryVersion }: AuditContext,
): Promise<void> {
  if (events.length === 0) return
  const records = await linked(trx, events, chain)
  await appendEvents(trx, records, { dialect, registryVersion })
  for (let start = 0; start < records.length; start += CHUNK) {
    const part = records.slice(start, start + CHUNK)
    await insertRows(trx, dialect, 'audit_links', part.map(linkRow))
  }
  const last = records.at(-1)
  if (last === undefined) return
  const { seq, mac, signature } = chain.checkpoint(last)
  await trx.updateTable('audit_chains').set({ seq, mac, signature }).where('node', '=', chain.node).execute()
}

async function linked(
  trx: Transaction<StoreTables>,
  events: readonly AuditEvent[],
  chain: AuditChain,
): Promise<AuditRecord[]> {
  const { node } = chain
  const row = await trx.selectFrom('audit_chains').select(['seq', 'mac']).where('node', '=', node).executeTakeFirst()
  let head = row === undefined || row.mac === null ? undefined : { node, seq: Number(row.seq), mac: row.mac }
  return events.map((event) => {
    const record = chain.link(head, event)
    head = record
    return record
  })
}

function eventRow(event: AuditEvent, registryVersion: number | undefined): Insertable<AuditEventsTable> {
  return {
    id: event.id,
    occurred_at: event.at.toISOString(),
    actor: event.actor,
    action: event.action,
    outcome: event.outcome,
    request_id: event.requestId ?? null,
    address: event.address ?? null,
    registry_v: registryVersion ?? null,
    details: JSON.stringify(event.details),
  }
}

function linkRow(record: AuditRecord): Insertable<AuditLinksTable> {
  const { node, seq, id, target, count, keyId, mac } = record
  return { node, seq, event_id: id, target: target ?? null, occurrences: count, key_id: keyId, mac }
}
