import type { Count } from './numbers.js'

/** How calls are spread over the instances of a template. */
export type StrategyName =
  | 'round_robin'
  | 'least_connections'
  | 'weighted'
  | 'health_based'
  | 'random'
  | 'peak_ewma'
  | 'rendezvous'

/** Every strategy, the default first. */
export const strategyNames: readonly StrategyName[] = [
  'round_robin',
  'least_connections',
  'weighted',
  'health_based',
  'random',
  'peak_ewma',
  'rendezvous',
]

/** Settings of a template as files, API and CLI write them: snake_case, times in seconds. Absent: the default holds. */
export interface TemplateSettingsWire {
  readonly load_balancer?: LoadBalancerSettingsWire | undefined
  readonly timeouts?: TimeoutSettingsWire | undefined
  readonly health_check?: HealthCheckWire | undefined
  readonly failover?: FailoverSettingsWire | undefined
  readonly affinity?: AffinityWire | undefined
  readonly stdio?: StdioSettingsWire | undefined
  readonly protocol?: ProtocolSettingWire | undefined
  readonly audit?: 'off' | 'calls' | 'calls_with_arguments' | undefined
  readonly alias?: string | undefined
  readonly max_answer_bytes?: Count | undefined
}

/** The group of the seed; `timeout` is the same setting as `timeouts.total`. */
export interface LoadBalancerSettingsWire {
  readonly strategy?: StrategyName | undefined
  /** Seconds. @default 30 */
  readonly health_check_interval?: number | undefined
  /** Seconds. @default 10 */
  readonly health_check_timeout?: number | undefined
  /** Further attempts after the first. @default 3 */
  readonly max_retries?: Count | undefined
  /** Seconds a call may take in all. @default 300 */
  readonly timeout?: number | undefined
  /** Calls in flight per instance: 64 unless set, 16 for stdio. */
  readonly max_in_flight?: Count | undefined
  /** Calls that wait for an instance. @default 256 */
  readonly queue_size?: Count | undefined
  /** Seconds. @default 5 */
  readonly queue_timeout?: number | undefined
}

/** Timers of one call, in seconds. */
export interface TimeoutSettingsWire {
  readonly connect?: number | undefined
  /** For lists and reads. */
  readonly first_byte?: number | undefined
  /** For `tools/call`; absent: only `total` bounds it. */
  readonly call_first_byte?: number | undefined
  readonly idle?: number | undefined
  readonly total?: number | undefined
}

/** How the health of instances is found out. */
export type HealthCheckWire =
  | { readonly kind: 'mcp' }
  | { readonly kind: 'tool'; readonly name: string; readonly arguments?: Record<string, unknown> | undefined }
  | { readonly kind: 'http'; readonly path: string; readonly status?: Count | undefined }
  | { readonly kind: 'command'; readonly command: string; readonly args?: readonly string[] | undefined }

/** What may be tried again on another instance. */
export interface FailoverSettingsWire {
  readonly trust_annotations?: boolean | undefined
  readonly refusal_is_before_execution?: boolean | undefined
  readonly retry_reads?: boolean | undefined
  readonly tools?: Record<string, 'safe' | 'never'> | undefined
}

/** What keeps calls on one instance (strategy `rendezvous`). */
export interface AffinityWire {
  readonly by: 'header' | 'principal' | 'argument'
  readonly name?: string | undefined
}

/** Settings of child processes. */
export interface StdioSettingsWire {
  readonly pool_size?: Count | undefined
  readonly sharing?: 'shared' | 'per_principal' | 'exclusive' | undefined
  /** Seconds. @default 600 */
  readonly idle_stop?: number | undefined
}

/** Which protocol era a server speaks; `auto` finds out. */
export type ProtocolSettingWire = 'auto' | 'legacy' | 'modern'

/** The same with `null` for "back to the default", as PATCH takes it; a group may be null too. */
export type TemplateSettingsPatch = {
  readonly [K in keyof TemplateSettingsWire]?: Nullable<TemplateSettingsWire[K]> | null | undefined
}

type Nullable<T> = T extends object ? { readonly [K in keyof T]?: T[K] | null } : T
