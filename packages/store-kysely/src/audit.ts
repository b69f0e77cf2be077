import { randomBytes } from 'node:crypto'
import type { ChangeContext, RegistryDiff, RegistryOperation } from '@mcp-platform/core-registry'
import type { Insertable } from 'kysely'
import type { AuditEventsTable } from './tables.js'

// Enough to see what an import did; the rows themselves say the rest.
const MAX_LISTED = 1_000

/** The audit record of a registry change: who did what to which rows; never what is in them. */
export function auditRow(
  diff: RegistryDiff,
  by: ChangeContext,
  facts: { version: number; now: number },
): Insertable<AuditEventsTable> {
  const touched = diff.operations.map(describe)
  const details = { operations: touched.slice(0, MAX_LISTED), total: touched.length }
  return {
    id: timeOrderedId(facts.now),
    occurred_at: new Date(facts.now).toISOString(),
    actor: by.actor,
    action: diff.action,
    outcome: 'success',
    request_id: by.requestId ?? null,
    address: by.address ?? null,
    registry_v: facts.version,
    details: JSON.stringify(details),
  }
}

function describe(operation: RegistryOperation): { op: string; template: string; id?: string } {
  if (operation.op === 'put-template') return { op: operation.op, template: operation.template.name }
  if (operation.op === 'delete-template') return { op: operation.op, template: operation.name }
  const { template, id } = operation.op === 'put-instance' ? operation.instance : operation
  return { op: operation.op, template, id }
}

/** Milliseconds first, so that ids sort by time, then chance. */
function timeOrderedId(now: number): string {
  return `${now.toString(36).padStart(9, '0')}-${randomBytes(12).toString('hex')}`
}
