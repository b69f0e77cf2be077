import type { AuditChain, AuditEvent, AuditQuery, AuditRecord, AuditStore, Checkpoint } from '@mcp-platform/auth'
import type { Kysely } from 'kysely'
import { type Database, type DialectName, firstRows, sameText, traitsOf } from '../dialects.js'
import type { StoreTables } from '../tables.js'
import { type Patience, retrying, transact } from '../transact.js'
import { appendLinked, lockChain } from './audit-append.js'
import { type RecordRow, toEvent, toRecord } from './audit-rows.js'
import { sweepEvents } from './audit-sweep.js'

const PAGE = 500

/** Options of the stores that write audit records. */
export interface AuditingOptions extends Omit<Patience, 'signal'> {
  /** Links the records of this node. */
  readonly chain: AuditChain
}

/**
 * Keeps the audit trail in a database whose schema {@link migrate} has made: identity, management and refused events of all
 * nodes, those of the registry included. The Kysely stays yours: nothing here closes it.
 */
export function kyselyAuditStore(db: Kysely<StoreTables>, dialect: DialectName, options: AuditingOptions): AuditStore {
  traitsOf(dialect)
  const { chain } = options
  const transaction = { ...options, db, dialect }
  return {
    append: async (events) => {
      if (events.length === 0) return
      await transact(transaction, async (trx) => {
        await lockChain(trx, chain.node)
        await appendLinked(trx, await unknownOf(trx, events), { dialect, chain })
      })
    },
    query: (query) => retrying(dialect, options, () => findEvents(db, dialect, query)),
    records: () => readRecords(db, dialect, options),
    checkpoints: () => retrying(dialect, options, () => readCheckpoints(db)),
    sweep: (before, limit) =>
      transact(transaction, async (trx) => {
        await lockChain(trx, chain.node)
        return sweepEvents(trx, { dialect, chain, before, limit })
      }),
  }
}

async function unknownOf(db: Database, events: readonly AuditEvent[]): Promise<readonly AuditEvent[]> {
  const known = new Set<string>()
  for (let start = 0; start < events.length; start += PAGE) {
    const ids = events.slice(start, start + PAGE).map(({ id }) => id)
    const rows = await db.selectFrom('audit_events').select('id').where('id', 'in', ids).execute()
    for (const { id } of rows) known.add(id)
  }
  return events.filter(({ id }) => !known.has(id))
}

async function findEvents(db: Database, dialect: DialectName, query: AuditQuery): Promise<readonly AuditEvent[]> {
  const { since, until, actor, action, outcome, before, limit } = query
  let found = db
    .selectFrom('audit_events')
    .leftJoin('audit_links', 'audit_links.event_id', 'audit_events.id')
    .selectAll('audit_events')
    .select(['audit_links.target', 'audit_links.occurrences'])
    .orderBy('audit_events.id', 'desc')
  if (since !== undefined) found = found.where('audit_events.occurred_at', '>=', since.toISOString())
  if (until !== undefined) found = found.where('audit_events.occurred_at', '<', until.toISOString())
  if (actor !== undefined) found = found.where(sameText(dialect, 'audit_events.actor', actor))
  if (action !== undefined) found = found.where('audit_events.action', '=', action)
  if (outcome !== undefined) found = found.where('audit_events.outcome', '=', outcome)
  if (before !== undefined) found = found.where('audit_events.id', '<', before)
  return (await firstRows(found, dialect, limit).execute()).map(toEvent)
}

async function* readRecords(db: Database, dialect: DialectName, patience: Patience): AsyncIterable<AuditRecord> {
  const nodes = await retrying(dialect, patience, () =>
    db.selectFrom('audit_chains').select('node').orderBy('node').execute(),
  )
  for (const { node } of nodes) yield* recordsOf(db, dialect, { node, patience })
}

/** A node's records page by page. A link whose event is gone is left out, and the chain then has a hole. */
async function* recordsOf(
  db: Database,
  dialect: DialectName,
  { node, patience }: { readonly node: string; readonly patience: Patience },
): AsyncIterable<AuditRecord> {
  let after = 0
  for (;;) {
    const rows = await retrying(dialect, patience, () => pageOf(db, dialect, { node, after }))
    yield* rows.map(toRecord)
    const last = rows.at(-1)
    if (last === undefined) return
    after = Number(last.seq)
  }
}

function pageOf(
  db: Database,
  dialect: DialectName,
  { node, after }: { readonly node: string; readonly after: number },
): Promise<RecordRow[]> {
  const query = db
    .selectFrom('audit_links')
    .innerJoin('audit_events', 'audit_events.id', 'audit_links.event_id')
    .selectAll('audit_events')
    .select(['target', 'occurrences', 'node', 'seq', 'key_id', 'mac'])
    .where('node', '=', node)
    .where('seq', '>', after)
    .orderBy('seq')
  return firstRows(query, dialect, PAGE).execute()
}

async function readCheckpoints(db: Database): Promise<Awaited<ReturnType<AuditStore['checkpoints']>>> {
  const rows = await db.selectFrom('audit_chains').selectAll().orderBy('node').execute()
  return {
    from: rows.flatMap(({ node, begin_seq, begin_mac, begin_signature }) =>
      checkpoint(node, begin_seq, begin_mac, begin_signature),
    ),
    until: rows.flatMap(({ node, seq, mac, signature }) => checkpoint(node, seq, mac, signature)),
  }
}

function checkpoint(
  node: string,
  seq: number | string | null,
  mac: string | null,
  signature: string | null,
): Checkpoint[] {
  if (seq === null || mac === null) return []
  return [{ node, seq: Number(seq), mac, signature: signature ?? '' }]
}
