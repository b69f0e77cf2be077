import { decide } from '@mcp-platform/auth'
import type { PartialTemplateSettings, Registry } from '@mcp-platform/core-registry'
import { connector, Gateway } from '@mcp-platform/gateway-core'
import type { StoredCircuit } from '@mcp-platform/health'
import { type AddressPolicy, type ChildLedger, NodeChildBudget } from '@mcp-platform/mcp-upstream'
import type { EffectiveModes } from './config/effective.js'
import type { Settings } from './config/settings.js'
import { isLoopback } from './http/addresses.js'
import type { Authenticate } from './identity/local.js'
import type { Observer } from './observer.js'
import { Connections } from './upstream/connections.js'

/** What the data path is made of. A worker process makes the same with its own registry and observer. */
export interface GatewayParts {
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly registry: Registry
  readonly circuits: readonly StoredCircuit[]
  readonly authenticate: Authenticate
  readonly observer: Observer
  readonly database: () => 'ok' | 'unavailable'
  readonly version: string
  /** Remembers child processes, so that the next start can end what this one leaves behind. */
  readonly children: ChildLedger
}

/** Wires the gateway of `@mcp-platform/gateway-core`. It starts nothing. */
export function buildGateway(parts: GatewayParts): { readonly gateway: Gateway; readonly connections: Connections } {
  const { settings, registry, circuits, authenticate, observer, database, version } = parts
  const connect = connector({
    guard: addressPolicy(settings),
    children: new NodeChildBudget(),
    onEvent: observer.gateway,
  })
  const connections = new Connections(connect, parts.modes.stdioMode)
  const gateway = new Gateway({
    registry,
    connect: connections.connect,
    authenticate,
    decide,
    defaults: templateDefaults(settings),
    circuits,
    database,
    version,
    onEvent: observer.gateway,
  })
  return { gateway, connections }
}

/** Which addresses servers may have: public ones always, this machine on a loopback bind, private ranges by name. */
export function addressPolicy(settings: Settings): AddressPolicy {
  return { allowLoopback: isLoopback(settings.host), allowPrivateCidrs: settings.allowedUpstream }
}

/** What holds for templates that set nothing themselves. */
export function templateDefaults(settings: Settings): PartialTemplateSettings {
  return {
    strategy: settings.strategy,
    healthCheckIntervalMs: settings.healthInterval * 1_000,
    healthCheckTimeoutMs: settings.healthTimeout * 1_000,
    maxRetries: settings.maxRetries,
  }
}
