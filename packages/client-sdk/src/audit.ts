import { type AuditEventView, type AuditPage, type AuditQueryParams, paths } from '@mcp-platform/contract'
import type { Api, RequestOptions } from './api.js'

/** What to look for in the audit trail; what is absent matches everything. */
export interface AuditOptions extends RequestOptions, Omit<AuditQueryParams, 'limit' | 'cursor' | 'since' | 'until'> {
  /** Not before. */
  readonly since?: Date | undefined
  /** Before. */
  readonly until?: Date | undefined
  /** How many events at most, over all pages. @default all */
  readonly limit?: number | undefined
  /** Events of one request, 1 to 1,000. @default 100 */
  readonly pageSize?: number | undefined
}

const DEFAULT_PAGE_SIZE = 100

/** Events of the audit trail, the newest first, page by page as they are taken. */
export async function* auditEvents(api: Api, options: AuditOptions): AsyncGenerator<AuditEventView> {
  const { since, until, actor, action, outcome, pageSize = DEFAULT_PAGE_SIZE } = options
  const filter = { since: since?.toISOString(), until: until?.toISOString(), actor, action, outcome }
  let left = options.limit ?? Number.POSITIVE_INFINITY
  let cursor: string | undefined
  while (left > 0) {
    const query = { ...filter, limit: Math.min(left, pageSize), cursor }
    const page = await api.read<AuditPage>(paths.audit, options, query)
    yield* page.events.slice(0, left)
    left -= page.events.length
    if (page.next_cursor === null || page.events.length === 0) return
    cursor = page.next_cursor
  }
}
