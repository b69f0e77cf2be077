import type { CircuitState, InstanceHealth, InstanceView, TransportName } from '@mcp-platform/contract'
import type { Instance } from '@mcp-platform/core-registry'
import type { TargetView } from '@mcp-platform/health'
import type { Tally } from '../counts.js'
import type { Route } from '../route.js'

/** What the score is 0..100 and the status is for an instance that nobody watches yet. */
const UNKNOWN = { status: 'starting', healthy: false } as const

/** One instance as the registry shows it, built field by field: secrets cannot get in. */
export function instanceView(instance: Instance, route: Route | undefined, tally: Tally): InstanceView {
  const view = route?.health.view(instance.id)
  const endpoint = route?.endpoint(instance.id)
  return {
    id: instance.id,
    source: instance.source,
    ...attachView(instance),
    transport: transportOf(instance, route),
    protocol: instance.protocol,
    era: endpoint?.connection.identity?.era,
    weight: instance.override.weight ?? instance.weight,
    declared_weight: instance.declaredWeight,
    max_in_flight: instance.maxInFlight,
    region: instance.region,
    metadata: { ...instance.metadata },
    state: instance.override.state ?? instance.state,
    override: hasOverride(instance) ? { ...instance.override } : undefined,
    healthy: view?.healthy ?? UNKNOWN.healthy,
    status: view?.status ?? UNKNOWN.status,
    reason: reasonOf(view),
    score: scoreOf(route, instance.id, view),
    circuit: circuitOf(view),
    in_flight: tally.inFlight(endpoint?.stats.inFlight ?? 0, instance.template, instance.id),
  }
}

/** One instance in `GET /mcp/{template}/health`. */
export function instanceHealth(instance: Instance, route: Route | undefined): InstanceHealth {
  const view = route?.health.view(instance.id)
  return {
    healthy: view?.healthy ?? UNKNOWN.healthy,
    status: view?.status ?? UNKNOWN.status,
    reason: reasonOf(view),
    transport: transportOf(instance, route),
    endpoint: instance.attach.kind === 'http' ? (instance.resolvedUrl ?? instance.attach.url) : undefined,
    score: scoreOf(route, instance.id, view),
    consecutive_failures: view?.consecutiveFailures ?? 0,
    last_health_check: view?.lastCheckAt?.toISOString() ?? null,
    circuit: circuitOf(view),
  }
}

/** 0..100: fitness and load in one number for people; never used to choose. */
export function scoreOf(route: Route | undefined, id: string, view: TargetView | undefined): number {
  if (!view?.healthy) return 0
  return route?.balancer.snapshot().find((endpoint) => endpoint.id === id)?.score ?? view.score
}

/** The circuit's state as the wire spells it. */
export function circuitOf(view: TargetView | undefined): CircuitState {
  const state = view?.circuit.state ?? 'closed'
  return state === 'half-open' ? 'half_open' : state
}

/** The transport that answered; until one has, the one that was asked for. */
export function transportOf({ attach, id }: Instance, route: Route | undefined): TransportName {
  if (attach.kind !== 'http') return 'stdio'
  return route?.endpoint(id)?.connection.identity?.transport ?? attach.transport
}

function reasonOf(view: TargetView | undefined): string | undefined {
  if (!view || view.healthy) return undefined
  return view.probe.reason ?? view.lastError
}

function attachView(
  instance: Instance,
): Pick<
  InstanceView,
  'endpoint' | 'resolved_endpoint' | 'command' | 'args' | 'working_dir' | 'profile' | 'env' | 'headers' | 'tls'
> {
  const { attach } = instance
  if (attach.kind === 'http') {
    return {
      endpoint: attach.url,
      resolved_endpoint: instance.resolvedUrl,
      headers: namesOnly(attach.headers),
      tls: attach.tls === undefined ? undefined : namesOnly({ ...attach.tls }),
    }
  }
  if (attach.kind === 'profile') return { profile: attach.profile }
  return {
    command: attach.command,
    args: [...attach.args],
    working_dir: attach.workingDir,
    env: namesOnly(attach.env),
  }
}

function namesOnly(
  secrets: Readonly<Record<string, string | undefined>>,
): Record<string, { has_value: true }> | undefined {
  const names = Object.keys(secrets).filter((name) => secrets[name] !== undefined)
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, { has_value: true }]))
}

function hasOverride({ override }: Instance): boolean {
  return override.weight !== undefined || override.state !== undefined
}
