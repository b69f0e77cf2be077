import type { CircuitState, InstanceStatus, TransportName } from './instances.js'
import type { Count } from './numbers.js'

/** `healthy`: all instances are; `degraded`: some; `unhealthy`: none; `empty`: there is none. */
export type TemplateStatus = 'healthy' | 'degraded' | 'unhealthy' | 'empty'

/** Answer of `GET /mcp/{template}/health`. */
export interface TemplateHealth {
  readonly template_name: string
  readonly status: TemplateStatus
  readonly total_instances: Count
  readonly healthy_instances: Count
  /** 0..100 with one decimal. */
  readonly health_percentage: number
  /** Its instances offer different tools: a call goes only to those that list its tool, and hints allow no failover. */
  readonly catalogue_differs: boolean
  readonly instances: Record<string, InstanceHealth>
}

/** Health of one instance. */
export interface InstanceHealth {
  readonly healthy: boolean
  readonly status: InstanceStatus
  readonly reason?: string | undefined
  /** The one that answered; until one has, the one that was asked for. */
  readonly transport: TransportName
  readonly endpoint?: string | undefined
  /** 0..100. */
  readonly score: Count
  readonly consecutive_failures: Count
  /** ISO 8601; null until the first probe has ended. */
  readonly last_health_check: string | null
  readonly circuit: CircuitState
}

/** Answer of `GET /gateway/health`. */
export interface GatewayHealth {
  readonly status: TemplateStatus
  readonly version: string
  readonly uptime_seconds: Count
  readonly database: 'ok' | 'unavailable' | 'none'
  readonly templates: Count
  readonly instances: InstanceCounts
}

/** How many instances there are. */
export interface InstanceCounts {
  readonly total: Count
  readonly healthy: Count
  readonly unhealthy: Count
}

/** Answer of `GET /health/live` and `GET /health/ready`. */
export interface Probe {
  readonly status: 'ok' | 'unavailable'
  readonly reason?: string | undefined
}
