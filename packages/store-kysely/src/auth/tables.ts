/** The tables of `/auth`. */
export interface AuthTables {
  users: UsersTable
  api_keys: ApiKeysTable
  revoked_tokens: RevokedTokensTable
  refresh_tokens: RefreshTokensTable
  signing_keys: SigningKeysTable
  key_checks: KeyChecksTable
  audit_links: AuditLinksTable
  audit_chains: AuditChainsTable
}

/** A row per user. `v`: the version that changed it last, shared with the registry. */
export interface UsersTable {
  name: string
  role: string
  /** JSON: what was granted by name, and what it is narrowed to. */
  grants: string
  state: string
  epoch: number | string
  password_hash: string | null
  created_at: string
  updated_at: string
  v: number | string
}

/** A row per API key; its text is nowhere. */
export interface ApiKeysTable {
  id: string
  name: string
  owner: string
  /** JSON: role, scopes, and what they are narrowed to. */
  grants: string
  /** JSON: hashes of the secrets. */
  secrets: string
  created_at: string
  expires_at: string | null
  revoked_at: string | null
  last_used_at: string | null
  v: number | string
}

/** Access tokens that were ended before their time; kept until `expires_at`. */
export interface RevokedTokensTable {
  id: string
  expires_at: string
  v: number | string
}

/** Refresh tokens by the hash of their text; those of one login share a `family`. */
export interface RefreshTokensTable {
  hash: string
  family: string
  user_name: string
  epoch: number | string
  client: string
  created_at: string
  expires_at: string
  used_at: string | null
}

/** Keys that sign access tokens; the private half is sealed. */
export interface SigningKeysTable {
  kid: string
  alg: string
  /** JSON. */
  public_jwk: string
  sealed_private: string
  created_at: string
  signs_from: string
}

/** One row. */
export interface KeyChecksTable {
  id: number
  current_id: string
  /** JSON. */
  details: string
}

/** The place of an audit event in the chain of the node that wrote it, and what the chain covers beyond the event's row. */
export interface AuditLinksTable {
  node: string
  seq: number | string
  event_id: string
  target: string | null
  occurrences: number | string
  key_id: string
  mac: string
}

/** Where the chain of each node ends, and where it begins once older events were swept. */
export interface AuditChainsTable {
  node: string
  seq: number | string
  mac: string | null
  signature: string | null
  begin_seq: number | string | null
  begin_mac: string | null
  begin_signature: string | null
}
