import type { CircuitState } from './instances.js'
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
  readonly uptime_seconds: number
  readonly requests_total: number
  readonly errors_total: number
  readonly in_flight: number
  /** 0..1. */
  readonly error_rate: number
  readonly latency_ms: LatencyMs
}

/** Counters of one template. */
export interface TemplateStats {
  readonly requests: number
  readonly errors: number
  readonly latency_ms: LatencyMs
  readonly instances: Record<string, InstanceStats>
}

/** Counters of one instance. */
export interface InstanceStats {
  readonly requests: number
  readonly errors: number
  readonly in_flight: number
  readonly latency_ms: LatencyMs
  /** Share of its normal traffic it gets now, 0..1: slow start, degraded. */
  readonly share: number
  /** 0..100. */
  readonly score: number
  readonly circuit: CircuitState
}

/** What the balancers do. Keys are `template/instance_id`. */
export interface LoadBalancerStats {
  readonly default_strategy: StrategyName
  readonly available_strategies: readonly StrategyName[]
  readonly requests_per_instance: Record<string, number>
  readonly active_connections: Record<string, number>
}

/** What the active probes do. */
export interface HealthCheckerStats {
  readonly running: boolean
  readonly check_interval_seconds: number
  readonly timeout_seconds: number
  readonly total_checks: number
  readonly successful_checks: number
  readonly failed_checks: number
  /** 0..100. */
  readonly success_rate_percent: number
  /** ISO 8601; null until a check has ended. */
  readonly last_check_time: string | null
}

/** What the registry holds. */
export interface RegistryStats {
  readonly version: number
  readonly total_templates: number
  readonly total_instances: number
  readonly instances_by_source: Record<string, number>
  readonly instances_by_transport: Record<string, number>
}
