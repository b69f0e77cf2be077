import type { AuthTables } from './auth/tables.js'

/**
 * The tables of this package, as Kysely sees them: make your `Kysely<StoreTables>` (or one that has more tables).
 * Instants are ISO 8601 in UTC, JSON is text: both are the same in every database and sort as they should.
 * Some drivers give 64-bit numbers as text, hence `number | string`.
 */
export interface StoreTables extends AuthTables {
  registry_version: RegistryVersionTable
  templates: TemplatesTable
  load_balancer_configs: LoadBalancerConfigsTable
  instances: InstancesTable
  tombstones: TombstonesTable
  audit_events: AuditEventsTable
  circuit_states: CircuitStatesTable
  nodes: NodesTable
  leases: LeasesTable
  idempotency_keys: IdempotencyKeysTable
}

/** One row. Every writer of the registry updates it first, so commit order is the order of numbers. */
export interface RegistryVersionTable {
  id: number
  v: number | string
  /** Deletions up to this version may have been forgotten. */
  pruned: number | string
}

/** A row per template; its settings are in {@link LoadBalancerConfigsTable}. `v`: the version that changed it last. */
export interface TemplatesTable {
  name: string
  v: number | string
}

/** Settings of a template, as JSON: those that hold, those that a source declares, and those set by hand. */
export interface LoadBalancerConfigsTable {
  template_name: string
  settings: string
  declared_source: string | null
  declared_settings: string | null
  override_settings: string | null
  /** Says that a gateway has written this row. */
  signature: string | null
}

/** A row per instance; what has no column of its own is JSON in `spec`. */
export interface InstancesTable {
  template_name: string
  id: string
  source: string
  state: string
  weight: number
  spec: string
  /** Headers, certificates or environment: JSON, or what the seal made of it. */
  secrets: string | null
  /** Says that a gateway has written this row. */
  signature: string | null
  v: number | string
}

/** What was deleted at which version, so that others can follow without loading everything. */
export interface TombstonesTable {
  kind: 'template' | 'instance' | 'user' | 'api-key'
  /** `*` for users and API keys. */
  template_name: string
  /** `*` for a template: some databases take an empty text for null. */
  id: string
  v: number | string
  deleted_at: string
}

/** The audit trail, but for its chain (`audit_links`). */
export interface AuditEventsTable {
  /** Sorts by time. */
  id: string
  occurred_at: string
  actor: string
  action: string
  outcome: string
  request_id: string | null
  address: string | null
  /** Version of the registry that the event made. */
  registry_v: number | string | null
  details: string
}

/** What is known of circuits, so that a restart does not close those that are open. `group_name`: the template. */
export interface CircuitStatesTable {
  group_name: string
  target_id: string
  generation: string | null
  state: string
  open_until: string | null
  opens: number
  since: string
}

/** Gateway processes that share the database. Instants are of the database's clock. */
export interface NodesTable {
  id: string
  started_at: string
  heartbeat_at: string
  details: string
}

/** The right to do alone what must be done once. */
export interface LeasesTable {
  name: string
  owner: string
  /** Grows with every change of hands. */
  generation: number | string
  /** By the database's clock. */
  expires_at: string
}

export interface IdempotencyKeysTable {
  /** Hash of principal, template and key. */
  id: string
  /** Tells whether a repeat is the same call. */
  fingerprint: string
  /** Who runs the call, or ran it. */
  owner: string
  state: string
  /** By the database's clock. */
  claimed_until: string
  /** By the database's clock. */
  expires_at: string
  /** Sealed; null while in progress, and when it is not kept. */
  result: string | null
}
