import type { GatewayHealth, InstanceHealth, TemplateHealth, TemplateStatus } from '@mcp-platform/contract'
import type { RegistryState, Template } from '@mcp-platform/core-registry'
import type { Route } from '../route.js'
import { instanceHealth } from './instances.js'

/** `GET /mcp/{template}/health`: what the monitor knows; starts no probe. */
export function templateHealth(template: Template, route: Route | undefined): TemplateHealth {
  const instances: Record<string, InstanceHealth> = {}
  for (const instance of template.instances) instances[instance.id] = instanceHealth(instance, route)
  const total = template.instances.length
  const healthy = Object.values(instances).filter((instance) => instance.healthy).length
  return {
    template_name: template.name,
    status: statusOf(total, healthy),
    total_instances: total,
    healthy_instances: healthy,
    health_percentage: total === 0 ? 0 : Math.round((1000 * healthy) / total) / 10,
    catalogue_differs: catalogueDiffers(route),
    instances,
  }
}

/** False too for a template that is not routed: nothing is known of it. */
export function catalogueDiffers(route: Route | undefined): boolean {
  return route?.toolSets.differ ?? false
}

export function statusOf(total: number, healthy: number): TemplateStatus {
  if (total === 0) return 'empty'
  if (healthy === total) return 'healthy'
  return healthy === 0 ? 'unhealthy' : 'degraded'
}

/** `GET /gateway/health`, for anybody: counts only. */
export function gatewayHealth(
  state: RegistryState,
  find: (template: string) => Route | undefined,
  facts: { version: string; uptimeMs: number; database: GatewayHealth['database'] },
): GatewayHealth {
  const all = [...state.templates.values()].map((template) => templateHealth(template, find(template.name)))
  const total = all.reduce((sum, one) => sum + one.total_instances, 0)
  const healthy = all.reduce((sum, one) => sum + one.healthy_instances, 0)
  return {
    status: statusOf(total, healthy),
    version: facts.version,
    uptime_seconds: Math.floor(facts.uptimeMs / 1000),
    database: facts.database,
    templates: all.length,
    instances: { total, healthy, unhealthy: total - healthy },
  }
}
