import type { AuditChain, ChainHead } from '@mcp-platform/auth'
import type { Transaction } from 'kysely'
import { type DialectName, firstRows } from '../dialects.js'
import type { StoreTables } from '../tables.js'

// One statement takes so many ids at most.
const CHUNK = 500

interface Candidate {
  readonly id: string
  readonly node: string | null
  readonly seq: number
  readonly mac: string
}

/**
 * Deletes at most `limit` of the oldest events from before an instant. Of a chain only an unbroken piece from its beginning
 * goes, and where it begins then is signed: what is left can still be verified.
 */
export async function sweepEvents(
  trx: Transaction<StoreTables>,
  facts: { readonly dialect: DialectName; readonly chain: AuditChain; readonly before: Date; readonly limit: number },
): Promise<number> {
  const candidates = await oldest(trx, facts)
  const byNode = Map.groupBy(candidates, ({ node }) => node)
  const ids = (byNode.get(null) ?? []).map(({ id }) => id)
  for (const [node, linked] of byNode) {
    if (node === null) continue
    const gone = unbroken(linked, await beginOf(trx, node))
    ids.push(...gone.map(({ id }) => id))
    const last = gone.at(-1)
    if (last !== undefined) await beginAfter(trx, facts.chain, { node, seq: last.seq, mac: last.mac })
  }
  for (let start = 0; start < ids.length; start += CHUNK) {
    await trx
      .deleteFrom('audit_events')
      .where('id', 'in', ids.slice(start, start + CHUNK))
      .execute()
  }
  return ids.length
}

async function oldest(
  trx: Transaction<StoreTables>,
  { dialect, before, limit }: { readonly dialect: DialectName; readonly before: Date; readonly limit: number },
): Promise<Candidate[]> {
  const query = trx
    .selectFrom('audit_events')
    .leftJoin('audit_links', 'audit_links.event_id', 'audit_events.id')
    .select(['audit_events.id', 'audit_links.node', 'audit_links.seq', 'audit_links.mac'])
    .where('audit_events.occurred_at', '<', before.toISOString())
    .orderBy('audit_events.occurred_at')
    .orderBy('audit_events.id')
  const rows = await firstRows(query, dialect, limit).execute()
  return rows.map(({ id, node, seq, mac }) => ({ id, node, seq: Number(seq), mac: mac ?? '' }))
}

function unbroken(linked: readonly Candidate[], begin: number): Candidate[] {
  const sorted = linked.toSorted((a, b) => a.seq - b.seq)
  const hole = sorted.findIndex(({ seq }, index) => seq !== begin + index + 1)
  return hole < 0 ? sorted : sorted.slice(0, hole)
}

async function beginOf(trx: Transaction<StoreTables>, node: string): Promise<number> {
  const row = await trx.selectFrom('audit_chains').select('begin_seq').where('node', '=', node).executeTakeFirst()
  return Number(row?.begin_seq ?? 0)
}

async function beginAfter(trx: Transaction<StoreTables>, chain: AuditChain, head: ChainHead): Promise<void> {
  const { seq, mac, signature } = chain.checkpoint(head)
  const begin = { begin_seq: seq, begin_mac: mac, begin_signature: signature }
  await trx.updateTable('audit_chains').set(begin).where('node', '=', head.node).execute()
  await trx.deleteFrom('audit_links').where('node', '=', head.node).where('seq', '<=', seq).execute()
}
