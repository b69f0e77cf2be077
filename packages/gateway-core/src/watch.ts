import type { Instance, Registry, Template, TemplateSettings } from '@mcp-platform/core-registry'
import { HealthMonitor, httpProbe, type Probe, type StoredCircuit } from '@mcp-platform/health'
import { commandProbe } from '@mcp-platform/health/node'
import { mcpProbe } from '@mcp-platform/mcp-upstream'
import type { GatewayObserver } from './events.js'
import { GATEWAY_CLIENT } from './plain-caller.js'
import type { RouteEndpoint } from './route.js'
import type { HealthTarget, RouteHealth } from './route-health.js'

export interface WatchOptions {
  readonly template: Template
  readonly settings: TemplateSettings
  readonly endpointOf: (id: string) => RouteEndpoint | undefined
  readonly registry: Registry
  readonly circuits: readonly StoredCircuit[]
  readonly random: () => number
  readonly onEvent: GatewayObserver
}

/** The health monitor of one template, probing in the way its settings say. */
export function watchTemplate(options: WatchOptions): RouteHealth {
  const { template, settings } = options
  return new HealthMonitor<HealthTarget>({
    group: template.name,
    targets: template.instances.map(({ id, generation }) => ({ id, generation })),
    probe: rememberUrl(probeFor(options), options),
    intervalMs: settings.healthCheckIntervalMs,
    timeoutMs: settings.healthCheckTimeoutMs,
    circuits: options.circuits,
    random: options.random,
    onEvent: (event) => options.onEvent({ type: 'health', template: template.name, event }),
  })
}

function probeFor({ settings, endpointOf }: WatchOptions): Probe<HealthTarget> {
  const check = settings.healthCheck
  const instanceOf = (target: HealthTarget): Instance => require(endpointOf(target.id)).instance
  switch (check.kind) {
    case 'http': {
      const probe = httpProbe<HealthTarget & { url: string }>({ path: check.path, status: check.status })
      return (target, signal) => probe({ ...target, url: httpUrl(instanceOf(target)) }, signal)
    }
    case 'command':
      return commandProbe({ command: check.command, args: check.args })
    default:
      return mcpProbe({
        connectionOf: (target: HealthTarget) => require(endpointOf(target.id)).connection,
        clientInfo: GATEWAY_CLIENT,
        tool: check.kind === 'tool' ? { name: check.name, arguments: check.arguments } : undefined,
      })
  }
}

// Which of the URL's variants answered is stored beside the one that was given, once it is known.
function rememberUrl(probe: Probe<HealthTarget>, { endpointOf, registry, template, onEvent }: WatchOptions): Probe<HealthTarget> {
  return async (target, signal) => {
    const result = await probe(target, signal)
    const endpoint = endpointOf(target.id)
    const url = endpoint?.connection.identity?.url
    if (endpoint && url !== undefined && url !== endpoint.instance.resolvedUrl) {
      registry.resolveUrl(template.name, target.id, url).catch((error: unknown) => onEvent({ type: 'internal-error', requestId: 'probe', error }))
    }
    return result
  }
}

function httpUrl(instance: Instance): string {
  if (instance.attach.kind === 'http') return instance.resolvedUrl ?? instance.attach.url
  throw new Error('an HTTP health check needs an instance with an endpoint; this one is a command')
}

function require(endpoint: RouteEndpoint | undefined): RouteEndpoint {
  if (endpoint) return endpoint
  throw new Error('the instance was removed')
}
