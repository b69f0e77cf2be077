import type { Count } from './numbers.js'

/** One right. */
export type ScopeName =
  | 'tools:read'
  | 'tools:call'
  | 'resources:read'
  | 'prompts:read'
  | 'registry:read'
  | 'registry:write'
  | 'registry:exec'
  | 'users:admin'
  | 'keys:admin'
  | 'audit:read'
  | 'metrics:read'

/** Every scope there is. */
export const scopeNames: readonly ScopeName[] = [
  'tools:read',
  'tools:call',
  'resources:read',
  'prompts:read',
  'registry:read',
  'registry:write',
  'registry:exec',
  'users:admin',
  'keys:admin',
  'audit:read',
  'metrics:read',
]

/** A named set of scopes. */
export type RoleName = 'admin' | 'operator' | 'user' | 'auditor'

/** Every role there is. */
export const roleNames: readonly RoleName[] = ['admin', 'operator', 'user', 'auditor']

/** Body of `POST /auth/login`, as JSON or as a form. */
export interface LoginRequest {
  readonly username: string
  readonly password: string
  /** Binds the refresh token to a program by its name; `POST /auth/refresh` must give the same. */
  readonly client?: string | undefined
}

/** Body of `POST /auth/refresh`. */
export interface RefreshRequest {
  readonly refresh_token: string
  /** As it was given at the login. */
  readonly client?: string | undefined
}

/** Answer of `POST /auth/login` and `POST /auth/refresh`. */
export interface TokenResponse {
  readonly access_token: string
  readonly token_type: 'bearer'
  /** Seconds. */
  readonly expires_in: Count
  /** Single use: the next `POST /auth/refresh` gives another one. */
  readonly refresh_token: string
}

/** Body of `POST /auth/logout`; the access token that the request carries ends as well. The answer is a 204. */
export interface LogoutRequest {
  readonly refresh_token?: string | undefined
}

/** What a principal is. */
export type PrincipalKind = 'user' | 'key' | 'external' | 'local-admin' | 'anonymous'

/** Answer of `GET /auth/me`: who the gateway takes the caller for. */
export interface MeView {
  /** `user:<name>`, `key:<id>`, `issuer:<iss>|<sub>`, `local-admin`, `anonymous`. */
  readonly id: string
  readonly kind: PrincipalKind
  readonly name: string
  /** Of users only. */
  readonly role: RoleName | null
  readonly scopes: readonly ScopeName[]
  /** Globs the caller is narrowed to; null: all. */
  readonly templates: readonly string[] | null
  /** Globs the caller is narrowed to; null: all. */
  readonly tools: readonly string[] | null
  /** Whose key it is. */
  readonly owner: string | null
  /** False: a caller without a credential is `anonymous`. */
  readonly auth_enabled: boolean
}

/** Body of `POST /auth/password`. The answer is a 204; every token of the user ends. */
export interface PasswordRequest {
  readonly new_password: string
  /** Needed for the caller's own password. */
  readonly current_password?: string | undefined
  /** Whose password, for callers with users:admin; absent: the caller's. */
  readonly username?: string | undefined
}

/** A user. */
export interface UserView {
  readonly name: string
  readonly role: RoleName
  /** Granted by name, beyond the role. */
  readonly scopes: readonly ScopeName[]
  /** Globs the user is narrowed to; null: all. */
  readonly templates: readonly string[] | null
  /** Globs the user is narrowed to; null: all. */
  readonly tools: readonly string[] | null
  readonly disabled: boolean
  /** ISO 8601. */
  readonly created_at: string
  /** ISO 8601. */
  readonly updated_at: string
}

/** Answer of `GET /auth/users`. */
export interface UsersList {
  readonly users: readonly UserView[]
  readonly count: Count
}

/** Body of `POST /auth/users`. */
export interface UserRequest {
  readonly name: string
  /** Absent: the user cannot log in until somebody sets one. */
  readonly password?: string | undefined
  /** Absent: `user`. */
  readonly role?: RoleName | undefined
  readonly scopes?: readonly ScopeName[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
}

/** Body of `PATCH /auth/users/{name}`: what is absent stays; `null` takes a narrowing away. */
export interface UserPatchRequest {
  readonly role?: RoleName | undefined
  readonly scopes?: readonly ScopeName[] | undefined
  readonly templates?: readonly string[] | null | undefined
  readonly tools?: readonly string[] | null | undefined
  readonly disabled?: boolean | undefined
}

/** An API key without its secret. */
export interface ApiKeyWire {
  readonly id: string
  readonly name: string
  /** Id of the principal that answers for it. */
  readonly owner: string
  /** The role it was made with; `scopes` is what counts. */
  readonly role: RoleName | null
  readonly scopes: readonly ScopeName[]
  /** Globs the key is narrowed to; null: all. */
  readonly templates: readonly string[] | null
  /** Globs the key is narrowed to; null: all. */
  readonly tools: readonly string[] | null
  /** Networks it may be used from; null: all. */
  readonly cidrs: readonly string[] | null
  /** ISO 8601. */
  readonly created_at: string
  /** ISO 8601; null: never. */
  readonly expires_at: string | null
  /** ISO 8601; null: not revoked. */
  readonly revoked_at: string | null
  /** Until when the secret before the newest one is still taken, ISO 8601. */
  readonly overlap_until: string | null
  /** To about five minutes, ISO 8601. */
  readonly last_used_at: string | null
}

/** Answer of `GET /auth/api-keys`: the caller's keys, everybody's for keys:admin; newest first. */
export interface ApiKeysList {
  readonly api_keys: readonly ApiKeyWire[]
  readonly count: Count
}

/** Body of `POST /auth/api-keys`. Role or scopes: one of them at most; neither means the role `user`. */
export interface ApiKeyRequest {
  readonly name: string
  readonly role?: RoleName | undefined
  readonly scopes?: readonly ScopeName[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
  readonly cidrs?: readonly string[] | undefined
  /** Seconds, up to 365 days; `never` takes keys:admin; absent: 90 days. */
  readonly expires_in?: number | 'never' | undefined
  /** Name of the user it is for, for callers with keys:admin; absent: the caller. */
  readonly owner?: string | undefined
}

/** Body of `POST /auth/api-keys/{id}/rotate`; may be left out. */
export interface RotateApiKeyRequest {
  /** Seconds for which the old secret holds, up to 7 days; absent: 24 hours. */
  readonly overlap?: number | undefined
}

/** Answer of creating and of rotating a key. */
export interface IssuedApiKeyView {
  /** The text to use the key with: shown now and never again. */
  readonly api_key: string
  readonly key: ApiKeyWire
}

/** How an audited action went. */
export type AuditOutcomeName = 'success' | 'denied' | 'failure'

/** One record of the audit trail. */
export interface AuditEventView {
  readonly id: string
  /** ISO 8601. */
  readonly at: string
  /** Id of the principal. */
  readonly actor: string
  readonly action: string
  readonly outcome: AuditOutcomeName
  readonly target: string | null
  readonly request_id: string | null
  readonly address: string | null
  /** How often, where events were put together. */
  readonly count: Count
  readonly details: Record<string, unknown>
}

/** Query of `GET /auth/audit`; what is absent matches everything. */
export interface AuditQueryParams {
  /** Not before, ISO 8601. */
  readonly since?: string | undefined
  /** Before, ISO 8601. */
  readonly until?: string | undefined
  /** Id of a principal; a user's name means `user:<name>`. */
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly outcome?: AuditOutcomeName | undefined
  /** 1 to 1,000; absent: 100. */
  readonly limit?: number | undefined
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined
}

/** Answer of `GET /auth/audit`, newest first. */
export interface AuditPage {
  readonly events: readonly AuditEventView[]
  /** Null: there is no more. */
  readonly next_cursor: string | null
}

/** One of the two trails, checked. */
export interface AuditTrailCheck {
  /** `database`: identity, management, denials; `calls`: tool calls, in files of this node. */
  readonly trail: 'database' | 'calls'
  /** The database has the records of all nodes; tool calls lie on the node that served them: ask each one. */
  readonly covers: 'all_nodes' | 'this_node'
  /** Name of the node whose files were read; null where all are covered. */
  readonly covered_node: string | null
  readonly ok: boolean
  /** Good records, up to the first bad one. */
  readonly records: Count
  /** Records whose master key is no longer known. */
  readonly unverifiable: Count
  /** What is wrong with the first bad record: `edited`, `missing`, `reordered`, `truncated`, `checkpoint`, `unreadable`. */
  readonly fault: string | null
  readonly node: string | null
  readonly seq: Count | null
  readonly id: string | null
}

/** Answer of `GET /auth/audit/verify`. */
export interface AuditVerification {
  readonly ok: boolean
  readonly trails: readonly AuditTrailCheck[]
}

/** Answer of `GET /.well-known/jwks.json`. */
export interface JwksView {
  readonly keys: readonly Record<string, string>[]
}

/** Answer of `GET /.well-known/oauth-protected-resource[/mcp[/{template}]]`, RFC 9728. */
export interface ProtectedResourceView {
  readonly resource: string
  readonly authorization_servers?: readonly string[] | undefined
  readonly jwks_uri?: string | undefined
  readonly scopes_supported: readonly string[]
  readonly bearer_methods_supported: readonly string[]
  readonly resource_name?: string | undefined
  readonly resource_documentation?: string | undefined
}
