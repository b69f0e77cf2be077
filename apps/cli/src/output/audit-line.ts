import type { AuditEventView } from '@mcp-platform/contract'
import { printable } from './printable.js'

/** One event of the audit trail on one line. */
export function auditLine({ at, actor, action, outcome, target, address, count }: AuditEventView): string {
  const on = target === null ? '' : ` ${target}`
  const from = address === null ? '' : ` from ${address}`
  const times = count > 1 ? ` (${count}x)` : ''
  return printable(`${at}  ${actor} ${action}${on} ${outcome}${times}${from}`)
}
