import type { LogLine } from '../log/log-line.js'
import type { DatabaseEvent } from './watch.js'

/** What the operator should know of the database. */
export type NodeDatabaseEvent =
  | DatabaseEvent
  | { readonly type: 'schema-newer'; readonly message: string }
  | { readonly type: 'snapshot-used'; readonly savedAt: Date; readonly error: unknown }
  | { readonly type: 'snapshot-ignored' | 'snapshot-failed' | 'membership-failed'; readonly error: unknown }

const FAILURES = {
  'snapshot-ignored': 'the snapshot of the registry cannot be used; it is written anew',
  'snapshot-failed': 'the snapshot of the registry could not be written; the next change tries again',
  'membership-failed': 'this node could not make itself known to the others; trying again',
} as const

/** The log line for an event of the database. */
export function describeDatabase(event: NodeDatabaseEvent): LogLine {
  switch (event.type) {
    case 'database-lost': {
      const message = 'the database does not serve; calls go on, changes are refused'
      return { level: 'error', message, facts: { err: event.error } }
    }
    case 'database-back':
      return { level: 'info', message: 'the database serves again', facts: { afterMs: Math.round(event.afterMs) } }
    case 'schema-newer':
      return { level: 'warn', message: event.message, facts: {} }
    case 'snapshot-used': {
      const message = 'the database does not answer; serving what was known before'
      return { level: 'warn', message, facts: { savedAt: event.savedAt.toISOString(), err: event.error } }
    }
    default:
      return { level: 'warn', message: FAILURES[event.type], facts: { err: event.error } }
  }
}
