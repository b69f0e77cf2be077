import type { ApiKeyWire, AuditEventView, UserView } from '@mcp-platform/contract'
import { oneLine } from './printable.js'
import type { Cell } from './table.js'

/** Head of the rows that {@link userRow} makes. */
export const USER_HEAD: readonly string[] = ['user', 'role', 'further scopes', 'templates', 'tools', 'state', 'since']

/** One user as a row. */
export function userRow({ name, role, scopes, templates, tools, disabled, created_at: since }: UserView): Cell[] {
  return [
    name,
    role,
    scopes.join(' '),
    listText(templates),
    listText(tools),
    disabled ? 'disabled' : 'active',
    day(since),
  ]
}

/** Head of the rows that {@link keyRow} makes. */
export const KEY_HEAD: readonly string[] = ['id', 'name', 'owner', 'may', 'templates', 'state', 'expires', 'last used']

/** One API key as a row. @param now milliseconds since 1970 */
export function keyRow(key: ApiKeyWire, now: number): Cell[] {
  const { id, name, owner, role, scopes, templates, expires_at: expires, last_used_at: used } = key
  const may = oneLine(role ?? scopes.join(' '), 40)
  return [
    id,
    name,
    owner,
    may,
    listText(templates),
    keyState(key, now),
    expires === null ? 'never' : day(expires),
    used && minute(used),
  ]
}

/** Head of the rows that {@link auditRow} makes. */
export const AUDIT_HEAD: readonly string[] = ['at', 'who', 'action', 'outcome', 'on', 'from']

/** One event of the audit trail as a row. */
export function auditRow({ at, actor, action, outcome, target, address, count }: AuditEventView): Cell[] {
  return [at, actor, count > 1 ? `${action} (${count}x)` : action, outcome, target, address]
}

/** Globs that narrow a grant. */
export function listText(globs: readonly string[] | null): string {
  if (globs === null) return 'all'
  return globs.length === 0 ? 'none' : oneLine(globs.join(' '), 40)
}

function keyState(
  { revoked_at: revoked, expires_at: expires, overlap_until: overlap }: ApiKeyWire,
  now: number,
): string {
  if (revoked !== null) return 'revoked'
  if (expires !== null && Date.parse(expires) <= now) return 'expired'
  return overlap !== null && Date.parse(overlap) > now ? 'rotating' : 'active'
}

function day(instant: string): string {
  return instant.slice(0, 10)
}

function minute(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ')
}
