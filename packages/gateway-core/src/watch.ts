import type { Instance, Registry, Template, TemplateSettings } from '@mcp-platform/core-registry'
import { HealthMonitor, httpProbe, type Probe, type ProbeResult, type StoredCircuit } from '@mcp-platform/health'
import { commandProbe } from '@mcp-platform/health/node'
import { type Connection, mcpProbe, UpstreamCrashLoopError } from '@mcp-platform/mcp-upstream'
import type { GatewayObserver } from './events.js'
import { GATEWAY_CLIENT } from './plain-caller.js'
import { probeTimeoutMs } from './probe-timeout.js'
import type { RouteEndpoint } from './route-endpoints.js'
import type { HealthTarget } from './route-health.js'

/** What a monitor of one template is made from. */
export interface WatchOptions {
  readonly template: Template
  readonly settings: TemplateSettings
  readonly endpointOf: (id: string) => RouteEndpoint | undefined
  readonly registry: Registry
  readonly circuits: readonly StoredCircuit[]
  /** Why the command that checks this template's health must not be run; undefined when it may. @default it may */
  readonly refuseCommand?: ((template: Template) => string | undefined) | undefined
  /** How an instance is asked by a health check of the kind `http`. @default the global fetch, without its certificates */
  readonly fetchFor?: ((instance: Instance) => typeof globalThis.fetch) | undefined
  /** False for an instance that another node probes, as long as it is fit and not used here. @default all are probed */
  readonly shouldProbe?: ((instance: Instance) => boolean) | undefined
  readonly random: () => number
  readonly onEvent: GatewayObserver
}

/** The health monitor of one template, probing in the way its settings say. */
export function watchTemplate(options: WatchOptions): HealthMonitor<HealthTarget> {
  const { template, settings, endpointOf, shouldProbe } = options
  return new HealthMonitor<HealthTarget>({
    group: template.name,
    targets: template.instances.map(({ id, generation }) => ({ id, generation })),
    probe: rememberUrl(probeFor(options), options),
    shouldProbe: ({ id }) => {
      const instance = endpointOf(id)?.instance
      return instance === undefined || (shouldProbe?.(instance) ?? true)
    },
    intervalMs: settings.healthCheckIntervalMs,
    timeoutMs: probeTimeoutMs(template, settings),
    circuits: options.circuits,
    random: options.random,
    onEvent: (event) => options.onEvent({ type: 'health', template: template.name, event }),
  })
}

function probeFor({ template, settings, endpointOf, refuseCommand, fetchFor }: WatchOptions): Probe<HealthTarget> {
  const check = settings.healthCheck
  const connectionOf = (target: HealthTarget): Connection => require(endpointOf(target.id)).connection
  const instanceOf = (target: HealthTarget): Instance => require(endpointOf(target.id)).instance
  switch (check.kind) {
    case 'http': {
      const { path, status } = check
      return (target, signal) => {
        const instance = instanceOf(target)
        const probe = httpProbe({ path, status, fetch: fetchFor?.(instance) })
        return probe({ url: httpUrl(instance) }, signal)
      }
    }
    case 'command': {
      const run = commandProbe({ command: check.command, args: check.args })
      // Asked at each start anew: what is in the database may have been written by somebody else.
      return async (target, signal) => {
        const reason = refuseCommand?.(template)
        return reason === undefined ? run(target, signal) : { verdict: 'held', reason }
      }
    }
    case 'tool':
      return mcpProbe({ connectionOf, clientInfo: GATEWAY_CLIENT, toolProbe: check })
    default: {
      const overMcp = mcpProbe({ connectionOf, clientInfo: GATEWAY_CLIENT })
      return (target, signal) => {
        const connection = connectionOf(target)
        return hasProbe(connection) ? probeChild(connection, signal) : overMcp(target, signal)
      }
    }
  }
}

const CHILD_LIMITS = { connectMs: 30_000, firstByteMs: 10_000, idleMs: 10_000, maxAnswerBytes: 16 * 1024 * 1024 }

type ProbedConnection = Connection & Required<Pick<Connection, 'probe'>>

function hasProbe(connection: Connection): connection is ProbedConnection {
  return connection.probe !== undefined
}

// A probe is no use of a child: it asks one that runs, and starts one only to find out what the server is.
async function probeChild(connection: ProbedConnection, signal: AbortSignal): Promise<ProbeResult> {
  try {
    await connection.probe({ signal, limits: CHILD_LIMITS })
    return { verdict: 'fit' }
  } catch (error) {
    if (error instanceof UpstreamCrashLoopError) return { verdict: 'held', reason: 'crash_loop' }
    throw error
  }
}

// Which of the URL's variants answered is stored beside the one that was given, once it is known.
function rememberUrl(
  probe: Probe<HealthTarget>,
  { endpointOf, registry, template, onEvent }: WatchOptions,
): Probe<HealthTarget> {
  return async (target, signal) => {
    const result = await probe(target, signal)
    const endpoint = endpointOf(target.id)
    const url = endpoint?.connection.identity?.url
    if (endpoint && url !== undefined && url !== endpoint.instance.resolvedUrl) {
      registry
        .resolveUrl(template.name, target.id, url)
        .catch((error: unknown) => onEvent({ type: 'internal-error', requestId: 'probe', error }))
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
