import { randomBytes } from 'node:crypto'
import type { AuditEvent } from '@mcp-platform/auth'
import type { ChangeContext, RegistryDiff, RegistryOperation } from '@mcp-platform/core-registry'

// Enough to see what an import did; the rows themselves say the rest.
const MAX_LISTED = 1_000

/** The audit event of a registry change: who did what to which rows; never what is in them. */
export function auditEventOf(diff: RegistryDiff, by: ChangeContext, now: number): AuditEvent {
  const touched = diff.operations.map(describe)
  return {
    id: timeOrderedId(now),
    at: new Date(now),
    actor: by.actor,
    action: diff.action,
    outcome: 'success',
    requestId: by.requestId,
    address: by.address,
    count: 1,
    details: { operations: touched.slice(0, MAX_LISTED), total: touched.length },
  }
}

type Described =
  | { readonly op: string; readonly template: string }
  | { readonly op: string; readonly template: string; readonly id: string }

function describe(operation: RegistryOperation): Described {
  if (operation.op === 'put-template') return { op: operation.op, template: operation.template.name }
  if (operation.op === 'delete-template') return { op: operation.op, template: operation.name }
  const { template, id } = operation.op === 'put-instance' ? operation.instance : operation
  return { op: operation.op, template, id }
}

/** Milliseconds first, so that ids sort by time, then chance. */
function timeOrderedId(now: number): string {
  return `${now.toString(36).padStart(9, '0')}-${randomBytes(12).toString('hex')}`
}
