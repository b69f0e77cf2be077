import type { Count } from './numbers.js'

/** Answer of `GET /gateway/report`: what a running gateway knows of itself that somebody may have to act on. No secrets. */
export interface GatewayReport {
  readonly version: string
  /** Why no call is served; absent: calls are served. */
  readonly not_ready?: string | undefined
  readonly exposure: ExposureReport
  /** Processes that serve MCP traffic. */
  readonly workers: Count
  readonly database: DatabaseReport
  /** The gateways that share the database, this one among them. */
  readonly nodes: readonly NodeReport[]
  readonly audit: AuditReport
  readonly master_key: MasterKeyReport
}

/** Who can reach a gateway, and what they must show. */
export interface ExposureReport {
  /** Address it listens on. */
  readonly host: string
  /** Every request needs a credential. */
  readonly auth: boolean
  /** It does TLS itself. */
  readonly tls: boolean
  /** It was told that a proxy in front does TLS. */
  readonly behind_proxy: boolean
  readonly stdio_mode: 'off' | 'profiles' | 'commands'
}

/** How the database of a gateway does. */
export interface DatabaseReport {
  readonly state: 'ok' | 'unavailable'
  /** `sqlite`, `postgresql`, `mysql`, … */
  readonly dialect: string
  /** Absent: it could not be asked in time. */
  readonly schema?: SchemaReport | undefined
}

/** How the schema of a database stands to the version of a gateway. */
export interface SchemaReport {
  /** `pending`: migrations of this version are missing; `newer`: it has some that this version does not know. */
  readonly state: 'empty' | 'pending' | 'current' | 'newer'
  /** This version can work with it. */
  readonly usable: boolean
  readonly pending: readonly string[]
  readonly unknown: readonly string[]
}

/** One of the gateways that share a database. */
export interface NodeReport {
  readonly id: string
  /** It is the one that answers. */
  readonly self: boolean
  readonly version?: string | undefined
  /** Where the others reach it; absent: nowhere. */
  readonly url?: string | undefined
  /** ISO 8601. */
  readonly started_at: string
  /** ISO 8601, by the clock of the database. */
  readonly last_seen: string
}

/** What of the audit trail has not reached the database. */
export interface AuditReport {
  /** Size of what waits in a file for the database. */
  readonly spool_bytes: Count
  /** Events that were lost since the start, because more came than could be kept. */
  readonly dropped: Count
}

/** Where a change of the master key stands. Ids tell keys apart and nothing else. */
export interface MasterKeyReport {
  /** The key that this gateway seals with. */
  readonly id: string
  /** Further keys that it was given and reads. */
  readonly also_reads: readonly string[]
  /** The key that the database is under; absent: it could not be asked in time. */
  readonly database_id?: string | undefined
  /** The key before. */
  readonly previous?: PreviousKeyReport | undefined
}

/** A master key that was replaced. */
export interface PreviousKeyReport {
  readonly id: string
  /** ISO 8601. */
  readonly replaced_at: string
  /** ISO 8601; from then on it is no longer read by a gateway that starts. */
  readonly read_until: string
}
