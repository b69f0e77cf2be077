import type { AuditEvent, AuditOutcome, AuditRecord } from '@mcp-platform/auth'
import type { Selectable } from 'kysely'
import { StoreCorruptError } from '../errors.js'
import type { AuditEventsTable } from '../tables.js'
import type { AuditLinksTable } from './tables.js'

/** An event's row, with what its link says; nulls where it has none. */
export type EventRow = Omit<Selectable<AuditEventsTable>, 'registry_v'> & {
  readonly target: string | null
  readonly occurrences: number | string | null
}

export type RecordRow = EventRow & Pick<Selectable<AuditLinksTable>, 'node' | 'seq' | 'key_id' | 'mac'>

/** @throws StoreCorruptError */
export function toEvent(row: EventRow): AuditEvent {
  return {
    id: row.id,
    at: new Date(row.occurred_at),
    actor: row.actor,
    action: row.action,
    outcome: outcomeOf(row),
    target: row.target ?? undefined,
    requestId: row.request_id ?? undefined,
    address: row.address ?? undefined,
    count: Number(row.occurrences ?? 1),
    details: detailsOf(row),
  }
}

export function toRecord(row: RecordRow): AuditRecord {
  return { ...toEvent(row), node: row.node, seq: Number(row.seq), keyId: row.key_id, mac: row.mac }
}

function outcomeOf({ id, outcome }: EventRow): AuditOutcome {
  if (outcome === 'success' || outcome === 'denied' || outcome === 'failure') return outcome
  throw new StoreCorruptError(`audit_events/${id}`, {
    cause: new RangeError(`unknown outcome ${JSON.stringify(outcome)}`),
  })
}

function detailsOf({ id, details }: EventRow): AuditEvent['details'] {
  try {
    return JSON.parse(details)
  } catch (error) {
    throw new StoreCorruptError(`audit_events/${id}`, { cause: error })
  }
}
