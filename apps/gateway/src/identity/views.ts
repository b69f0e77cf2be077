import type { ApiKeyView, AuditEvent, ChainReport, Principal, Role, SessionTokens, User } from '@mcp-platform/auth'
import type {
  ApiKeyWire,
  AuditEventView,
  AuditTrailCheck,
  MeView,
  TokenResponse,
  UserView,
} from '@mcp-platform/contract'

/** A user on the wire; built member by member, so that nothing else can get there. */
export function userView(user: User): UserView {
  return {
    name: user.name,
    role: user.role,
    scopes: user.scopes,
    templates: user.templates ?? null,
    tools: user.tools ?? null,
    disabled: user.disabled,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  }
}

/** An API key on the wire, without its secret. */
export function apiKeyView(key: ApiKeyView): ApiKeyWire {
  return {
    id: key.id,
    name: key.name,
    owner: key.owner,
    role: key.role ?? null,
    scopes: key.scopes,
    templates: key.templates ?? null,
    tools: key.tools ?? null,
    cidrs: key.cidrs ?? null,
    created_at: key.createdAt.toISOString(),
    expires_at: instant(key.expiresAt),
    revoked_at: instant(key.revokedAt),
    overlap_until: instant(key.overlapUntil),
    last_used_at: instant(key.lastUsedAt),
  }
}

/** Who the caller is. `role` is that of users; other principals have scopes only. */
export function meView(principal: Principal, role: Role | undefined, authEnabled: boolean): MeView {
  return {
    id: principal.id,
    kind: principal.kind,
    name: principal.name,
    role: role ?? null,
    scopes: [...principal.scopes],
    templates: principal.templates ?? null,
    tools: principal.tools ?? null,
    owner: principal.owner ?? null,
    auth_enabled: authEnabled,
  }
}

/** The tokens of a login. */
export function tokenView({ access, refreshToken }: SessionTokens): TokenResponse {
  return {
    access_token: access.token,
    token_type: 'bearer',
    expires_in: access.lifetimeSeconds,
    refresh_token: refreshToken,
  }
}

/** One audit record. */
export function auditView(event: AuditEvent): AuditEventView {
  return {
    id: event.id,
    at: event.at.toISOString(),
    actor: event.actor,
    action: event.action,
    outcome: event.outcome,
    target: event.target ?? null,
    request_id: event.requestId ?? null,
    address: event.address ?? null,
    count: event.count,
    details: { ...event.details },
  }
}

/** What checking one trail has found. `coveredNode`: the one whose files were read; undefined: the records of all nodes. */
export function trailCheck(
  trail: AuditTrailCheck['trail'],
  report: ChainReport,
  coveredNode?: string | undefined,
): AuditTrailCheck {
  const { ok, records } = report
  const source = {
    trail,
    covers: coveredNode === undefined ? 'all_nodes' : 'this_node',
    covered_node: coveredNode ?? null,
  } as const
  if (report.ok) {
    return { ...source, ok, records, unverifiable: report.unverifiable, fault: null, node: null, seq: null, id: null }
  }
  const { fault, node, seq, id } = report
  return { ...source, ok, records, unverifiable: 0, fault, node, seq, id: id ?? null }
}

function instant(at: Date | undefined): string | null {
  return at?.toISOString() ?? null
}
