import type { Count } from './numbers.js'
import type { ProtocolSettingWire } from './settings.js'

/** What the operator wants of an instance. */
export type InstanceState = 'active' | 'draining' | 'disabled'

/**
 * What people see of an instance: operator's wish, probe and circuit in one word.
 * `healthy` and `degraded` take calls; `ejected` is an open circuit; `unhealthy` failed its probes.
 */
export type InstanceStatus =
  | 'healthy'
  | 'degraded'
  | 'starting'
  | 'unhealthy'
  | 'ejected'
  | 'held'
  | 'unauthenticated'
  | 'identity_changed'
  | 'crash_loop'
  | 'draining'
  | 'disabled'

/** State of the circuit of an instance. */
export type CircuitState = 'closed' | 'open' | 'half_open'

/** How an instance is reached. */
export type TransportName = 'auto' | 'http' | 'sse' | 'stdio'

/** Stands where a secret is: it is set, and never shown. */
export interface SecretView {
  readonly has_value: true
}

/** Which certificates are set. */
export interface TlsView {
  readonly ca?: SecretView | undefined
  readonly cert?: SecretView | undefined
  readonly key?: SecretView | undefined
}

/** An instance as the registry shows it. Secrets are never in it. */
export interface InstanceView {
  readonly id: string
  /** Who registered it: `api`, `file:<path>`, `docker`, … */
  readonly source: string
  /** The one that answered; until one has, the one that was asked for. */
  readonly transport: TransportName
  /** As given; http only. */
  readonly endpoint?: string | undefined
  /** The URL variant that answered; absent until one has. */
  readonly resolved_endpoint?: string | undefined
  /** stdio only. */
  readonly command?: string | undefined
  readonly args?: readonly string[] | undefined
  readonly working_dir?: string | undefined
  /** The launch profile whose command is started; what that is stands in the configuration of each gateway. */
  readonly profile?: string | undefined
  readonly env?: Record<string, SecretView> | undefined
  readonly headers?: Record<string, SecretView> | undefined
  /** Certificates for this instance; http only. */
  readonly tls?: TlsView | undefined
  readonly protocol: ProtocolSettingWire
  /** The era that was found; absent until it is known. */
  readonly era?: 'legacy' | 'modern' | undefined
  readonly weight: number
  /** The weight as registered, where an override hides it. */
  readonly declared_weight?: number | undefined
  readonly max_in_flight?: Count | undefined
  readonly region?: string | undefined
  readonly metadata: Record<string, unknown>
  readonly state: InstanceState
  /** What a PATCH has set; absent: nothing. */
  readonly override?: InstanceOverrideView | undefined
  readonly healthy: boolean
  readonly status: InstanceStatus
  /** Why it is not healthy. */
  readonly reason?: string | undefined
  /** 0..100. */
  readonly score: Count
  readonly circuit: CircuitState
  readonly in_flight: Count
}

/** What a PATCH has set on an instance. */
export interface InstanceOverrideView {
  readonly weight?: number | undefined
  readonly state?: InstanceState | undefined
}

/** Certificates for one instance, as PEM; `cert` and `key` go together. */
export interface TlsRequest {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** An instance as registration, files and imports write it. One of `endpoint`, `command`, `profile`. */
export interface InstanceRequest {
  readonly id?: string | undefined
  readonly endpoint?: string | undefined
  readonly command?: string | undefined
  readonly args?: readonly string[] | undefined
  readonly working_dir?: string | undefined
  /** Name of a launch profile in the local configuration of the gateway. */
  readonly profile?: string | undefined
  readonly env?: Record<string, string> | undefined
  readonly headers?: Record<string, string> | undefined
  /** PEM texts: authorities of the server's certificate, and the gateway's own certificate with its key. */
  readonly tls?: TlsRequest | undefined
  readonly transport?: TransportName | undefined
  readonly protocol?: ProtocolSettingWire | undefined
  readonly weight?: number | undefined
  readonly max_in_flight?: Count | undefined
  readonly region?: string | undefined
  readonly metadata?: Record<string, unknown> | undefined
}

/** Body of a PATCH of an instance; `null` resets an override. */
export interface InstancePatch {
  readonly weight?: number | null | undefined
  readonly state?: InstanceState | null | undefined
}
