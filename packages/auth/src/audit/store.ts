import type { AuditEvent, AuditOutcome } from './event.js'
import type { AuditRecord, Checkpoint } from './record.js'

/** What to look for. Absent fields match everything. */
export interface AuditQuery {
  /** Not before. */
  readonly since?: Date | undefined
  /** Before. */
  readonly until?: Date | undefined
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly outcome?: AuditOutcome | undefined
  /** 1 to 1,000. */
  readonly limit: number
  /** Id of the last event of the page before. */
  readonly before?: string | undefined
}

/** Keeps the audit trail. Nothing can change what is written. */
export interface AuditStore {
  /**
   * Writes events in their order, linked to this node's chain, all or none. Events whose id is there already are left out:
   * after a failure in which nobody knows what was written, the same ones may be given again.
   */
  append(events: readonly AuditEvent[]): Promise<void>
  /** Newest first. */
  query(query: AuditQuery): Promise<readonly AuditEvent[]>
  /** All linked records, node by node, each in the order of its numbers. */
  records(): AsyncIterable<AuditRecord>
  /** Where each node's chain begins now (after sweeping), and where it ends: the `from` and `until` of `verifyChain`. */
  checkpoints(): Promise<{ readonly from: readonly Checkpoint[]; readonly until: readonly Checkpoint[] }>
  /** Forgets at most `limit` of the oldest events from before `before`; a chain then begins at a signed checkpoint. @returns how many */
  sweep(before: Date, limit: number): Promise<number>
}

/** True if an event is what a query looks for, `before` and `limit` apart. */
export function matchesQuery(event: AuditEvent, query: AuditQuery): boolean {
  return (
    (query.since === undefined || event.at >= query.since) &&
    (query.until === undefined || event.at < query.until) &&
    (query.actor === undefined || event.actor === query.actor) &&
    (query.action === undefined || event.action === query.action) &&
    (query.outcome === undefined || event.outcome === query.outcome)
  )
}
