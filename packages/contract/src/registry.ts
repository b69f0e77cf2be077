import type { TemplateStatus } from './health.js'
import type { InstanceRequest, InstanceStatus, InstanceView } from './instances.js'
import type { Count } from './numbers.js'
import type { FieldError } from './problem.js'
import type { LoadBalancerSettingsWire, TemplateSettingsWire } from './settings.js'
import type { RegistryStats } from './stats.js'

/** Answer of `GET /gateway/registry`. */
export interface RegistryView {
  readonly templates: Record<string, RegistryTemplateView>
  readonly stats: RegistryStats
  /** How the last reading of each source (registry file, discovery) went; absent: there is none. */
  readonly sources?: readonly SyncSource[] | undefined
}

/** One template in the registry. `load_balancer` is what holds now, defaults filled in. */
export interface RegistryTemplateView {
  readonly instances: readonly InstanceView[]
  readonly load_balancer: LoadBalancerSettingsWire
  /** Its instances offer different tools. */
  readonly catalogue_differs: boolean
}

/** Answer of `GET /gateway/templates`. */
export interface TemplatesList {
  readonly templates: readonly TemplateView[]
  readonly count: Count
}

/** Answer of `GET /gateway/templates/{t}` and of a PATCH of it. */
export interface TemplateView {
  readonly name: string
  readonly status: TemplateStatus
  readonly total_instances: Count
  readonly healthy_instances: Count
  /** Its instances offer different tools. */
  readonly catalogue_differs: boolean
  /** What was set, by a file or by PATCH. */
  readonly settings: TemplateSettingsWire
  /** What holds: `settings` with the defaults filled in. */
  readonly effective_settings: TemplateSettingsWire
  /** What a PATCH has set over a file; absent: nothing. */
  readonly override?: TemplateSettingsWire | undefined
  /** The source that declares the template (`file:<path>`); absent: none. */
  readonly source?: string | undefined
}

/** Body of `POST /gateway/register`. */
export interface RegisterRequest {
  readonly template_name: string
  readonly instance: InstanceRequest
  readonly load_balancer?: LoadBalancerSettingsWire | undefined
}

/** Answer of `POST /gateway/register`: 201, or 200 when it was there already. */
export interface RegisterResponse {
  readonly message: string
  readonly template_name: string
  readonly instance_id: string
  readonly status: InstanceStatus
  /** Only with `?probe=true`. */
  readonly probe?: ProbeReport | undefined
}

/** What the first probe of a new instance found. */
export interface ProbeReport {
  readonly ok: boolean
  readonly reason?: string | undefined
  /** The URL that answered. */
  readonly endpoint?: string | undefined
  readonly duration_ms?: number | undefined
}

/** Answer of `DELETE /gateway/deregister/{template}/{instance_id}`: 202 while calls are in flight, else 200. */
export interface DeregisterResponse {
  readonly message: string
  readonly in_flight: Count
  /** Who had registered it: `api`, `file:<path>`, … */
  readonly source: string
  /** True: the gateway goes on reading that source, which brings the instance back until it is taken out there. */
  readonly returns: boolean
}

/** Names an instance. */
export interface InstanceName {
  readonly template_name: string
  readonly instance_id: string
}

/** Answer of `POST /gateway/sync`. With `?dry_run=true` it is what would be done. */
export interface SyncResult {
  readonly added: readonly InstanceName[]
  readonly changed: readonly InstanceName[]
  readonly removed: readonly InstanceName[]
  readonly sources: readonly SyncSource[]
}

/** What one source (`file:<path>`, `docker`, …) said. */
export interface SyncSource {
  readonly source: string
  readonly ok: boolean
  readonly instances: Count
  /** Entries that were left out, each with its path in the source. */
  readonly errors: readonly FieldError[]
}

/**
 * Answer of `POST /gateway/import`, whose body is the document itself: a registry file, `mcp.json`, `server.json` or an
 * export. Applied whole or not at all, never removes. With `?dry_run=true` it is what would be done.
 */
export interface ImportResult {
  readonly added: readonly InstanceName[]
  readonly changed: readonly InstanceName[]
  readonly unchanged: readonly InstanceName[]
  /** Names of users; absent where the document has none. */
  readonly users?: ImportedUsersResult | undefined
}

/** What an import did to users. Those that were there already stay as they are. */
export interface ImportedUsersResult {
  readonly added: readonly string[]
  readonly unchanged: readonly string[]
}

/** A user as an export holds it. */
export interface ExportedUser {
  readonly name: string
  readonly role: string
  readonly scopes?: readonly string[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
  readonly disabled?: boolean | undefined
  /** Of argon2id; an import takes bcrypt too. Absent: the user has no password. */
  readonly password_hash?: string | undefined
}

/** Answer of `GET /gateway/export`: a registry file, with a head that says what it is. */
export interface ExportDocument {
  readonly format: 'mcp-platform-export'
  readonly version: 1
  /** ISO 8601. */
  readonly exported_at: string
  readonly templates: Record<string, unknown>
  readonly users?: readonly ExportedUser[] | undefined
  /** `sha256:` and the digest of the rest; an import refuses a document that was changed since. */
  readonly checksum?: string | undefined
}
