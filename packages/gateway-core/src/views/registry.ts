import type { RegistryStats, RegistryView, TemplateSettingsWire, TemplateView } from '@mcp-platform/contract'
import { type RegistryState, settingsToWire, type Template } from '@mcp-platform/core-registry'
import type { Tally } from '../counts.js'
import type { Route } from '../route.js'
import { catalogueDiffers, statusOf } from './health.js'
import { instanceView, transportOf } from './instances.js'

type Find = (template: string) => Route | undefined

/** `GET /gateway/registry` */
export function registryView(state: RegistryState, find: Find, tally: Tally): RegistryView {
  const templates: Record<string, RegistryView['templates'][string]> = {}
  for (const template of state.templates.values()) {
    const route = find(template.name)
    templates[template.name] = {
      instances: template.instances.map((instance) => instanceView(instance, route, tally)),
      load_balancer: effectiveWire(template, route).load_balancer ?? {},
      catalogue_differs: catalogueDiffers(route),
    }
  }
  return { templates, stats: registryStats(state, find) }
}

/** `GET /gateway/templates/{t}` */
export function templateView(template: Template, route: Route | undefined): TemplateView {
  const healthy = template.instances.filter(({ id }) => route?.health.view(id)?.healthy).length
  return {
    name: template.name,
    status: statusOf(template.instances.length, healthy),
    total_instances: template.instances.length,
    healthy_instances: healthy,
    catalogue_differs: catalogueDiffers(route),
    settings: settingsToWire(template.settings),
    effective_settings: effectiveWire(template, route),
  }
}

export function registryStats(state: RegistryState, find: Find): RegistryStats {
  const instances = [...state.templates.values()].flatMap((template) => template.instances)
  return {
    version: state.version,
    total_templates: state.templates.size,
    total_instances: instances.length,
    instances_by_source: tally(instances.map(({ source }) => source)),
    instances_by_transport: tally(instances.map((instance) => transportOf(instance, find(instance.template)))),
  }
}

function effectiveWire(template: Template, route: Route | undefined): TemplateSettingsWire {
  return settingsToWire(route?.settings ?? template.settings)
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
