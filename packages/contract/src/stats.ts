import type { CircuitState } from './instances.js'
import type { Count, CountsByName } from './numbers.js'
import type { StrategyName } from './settings.js'

/** Percentiles in milliseconds; null while nothing was measured. */
export interface LatencyMs {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** Answer of `GET /gateway/stats`. */
export interface GatewayStats {
  readonly gateway: GatewayCounters
  readonly templates: Record<string, TemplateStats>
  readonly load_balancer: LoadBalancerStats
  readonly health_checker: HealthCheckerStats
  readonly registry: RegistryStats
}

/** Counters of the whole gateway since it started. */
export interface GatewayCounters {
  readonly uptime_seconds: Count
  readonly requests_total: Count
  readonly errors_total: Count
  readonly in_flight: Count
  /** 0..1. */
  readonly error_rate: number
  readonly latency_ms: LatencyMs
}

/** Counters of one template. */
export interface TemplateStats {
  readonly requests: Count
  readonly errors: Count
  readonly latency_ms: LatencyMs
  readonly instances: Record<string, InstanceStats>
}

/** Counters of one instance. */
export interface InstanceStats {
  readonly requests: Count
  readonly errors: Count
  readonly in_flight: Count
  readonly latency_ms: LatencyMs
  /** Share of its normal traffic it gets now, 0..1: slow start, degraded. */
  readonly share: number
  /** 0..100. */
  readonly score: Count
  readonly circuit: CircuitState
}

/** What the balancers do. Keys are `template/instance_id`. */
export interface LoadBalancerStats {
  readonly default_strategy: StrategyName
  readonly available_strategies: readonly StrategyName[]
  readonly requests_per_instance: CountsByName
  readonly active_connections: CountsByName
}

/** What the active probes do. */
export interface HealthCheckerStats {
  readonly running: boolean
  readonly check_interval_seconds: number
  readonly timeout_seconds: number
  readonly total_checks: Count
  readonly successful_checks: Count
  readonly failed_checks: Count
  /** 0..100. */
  readonly success_rate_percent: number
  /** ISO 8601; null until a check has ended. */
  readonly last_check_time: string | null
}

/** What the registry holds. */
export interface RegistryStats {
  readonly version: Count
  readonly total_templates: Count
  readonly total_instances: Count
  readonly instances_by_source: CountsByName
  readonly instances_by_transport: CountsByName
}
