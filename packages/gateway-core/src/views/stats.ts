import {
  type GatewayStats,
  type InstanceStats,
  type LatencyMs,
  type StrategyName,
  strategyNames,
  type TemplateStats,
} from '@mcp-platform/contract'
import type { RegistryState } from '@mcp-platform/core-registry'
import type { Tally } from '../counts.js'
import type { Route } from '../route.js'
import type { RouteEndpoint } from '../route-endpoints.js'
import type { CallStats } from '../stats.js'
import { circuitOf, scoreOf } from './instances.js'
import { registryStats } from './registry.js'

export interface StatsFacts {
  readonly state: RegistryState
  readonly routes: readonly Route[]
  readonly total: CallStats
  /** What other processes counted. */
  readonly tally: Tally
  readonly uptimeMs: number
  readonly defaultStrategy: StrategyName
}

/** `GET /gateway/stats` */
export function gatewayStats(facts: StatsFacts): GatewayStats {
  const { routes, tally } = facts
  const total = tally.total(facts.total)
  const byTemplate = new Map(routes.map((route) => [route.template, route]))
  return {
    gateway: {
      uptime_seconds: Math.floor(facts.uptimeMs / 1000),
      requests_total: total.requests,
      errors_total: total.errors,
      in_flight: total.inFlight,
      error_rate: round4(total.errorRatio),
      latency_ms: latencyOf(total),
    },
    templates: Object.fromEntries(routes.map((route) => [route.template, templateStats(route, tally)])),
    load_balancer: {
      default_strategy: facts.defaultStrategy,
      available_strategies: strategyNames,
      requests_per_instance: perInstance(routes, tally, (stats) => stats.requests),
      active_connections: perInstance(routes, tally, (stats) => stats.inFlight),
    },
    health_checker: healthChecker(routes),
    registry: registryStats(facts.state, (template) => byTemplate.get(template)),
  }
}

function templateStats(route: Route, tally: Tally): TemplateStats {
  const instances: Record<string, InstanceStats> = {}
  for (const endpoint of route.endpoints()) instances[endpoint.id] = instanceStats(route, endpoint, tally)
  const stats = tally.template(route.stats, route.template)
  return { requests: stats.requests, errors: stats.errors, latency_ms: latencyOf(stats), instances }
}

function instanceStats(route: Route, { id, stats: own }: RouteEndpoint, tally: Tally): InstanceStats {
  const stats = tally.instance(own, route.template, id)
  const view = route.health.view(id)
  return {
    requests: stats.requests,
    errors: stats.errors,
    in_flight: stats.inFlight,
    latency_ms: latencyOf(stats),
    share: view?.share ?? 0,
    score: scoreOf(route, id, view),
    circuit: circuitOf(view),
  }
}

function healthChecker(routes: readonly Route[]): GatewayStats['health_checker'] {
  const all = routes.map((route) => route.health.stats())
  const sum = (pick: (stats: (typeof all)[number]) => number): number =>
    all.reduce((total, stats) => total + pick(stats), 0)
  const total = sum(({ totalChecks }) => totalChecks)
  const successful = sum(({ successfulChecks }) => successfulChecks)
  const last = all.map(({ lastCheckAt }) => lastCheckAt?.getTime() ?? 0)
  const latest = Math.max(0, ...last)
  return {
    running: all.some(({ running }) => running),
    check_interval_seconds: (all[0]?.checkIntervalMs ?? 0) / 1000,
    timeout_seconds: (routes[0]?.settings.healthCheckTimeoutMs ?? 0) / 1000,
    total_checks: total,
    successful_checks: successful,
    failed_checks: sum(({ failedChecks }) => failedChecks),
    success_rate_percent: total === 0 ? 100 : Math.round((1000 * successful) / total) / 10,
    last_check_time: latest === 0 ? null : new Date(latest).toISOString(),
  }
}

function perInstance(
  routes: readonly Route[],
  tally: Tally,
  pick: (stats: CallStats) => number,
): Record<string, number> {
  const entries = routes.flatMap((route) =>
    [...route.endpoints()].map(
      (endpoint) =>
        [
          `${route.template}/${endpoint.id}`,
          pick(tally.instance(endpoint.stats, route.template, endpoint.id)),
        ] as const,
    ),
  )
  return Object.fromEntries(entries)
}

function latencyOf(stats: CallStats): LatencyMs {
  return stats.latency.total === 0 ? { p50: null, p95: null, p99: null } : stats.latency.percentiles()
}

function round4(ratio: number): number {
  return Math.round(ratio * 10_000) / 10_000
}
