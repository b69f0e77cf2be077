import { decide } from '@mcp-platform/auth'
import type {
  Instance,
  LaunchProfiles,
  PartialTemplateSettings,
  Registry,
  TemplateSettings,
} from '@mcp-platform/core-registry'
import { connector, Gateway, type GatewayCall, type GatewayOptions } from '@mcp-platform/gateway-core'
import type { StoredCircuit } from '@mcp-platform/health'
import { type ChildLedger, type Connection, NodeChildBudget } from '@mcp-platform/mcp-upstream'
import type { EffectiveModes } from './config/effective.js'
import type { Settings } from './config/settings.js'
import type { Door } from './identity/door.js'
import type { Reporter } from './identity/reporter.js'
import { healthCommandRefusal, type StdioRules, spawnRefusal } from './identity/stdio-mode.js'
import type { Observer } from './observer.js'
import { addressPolicy } from './upstream/address-policy.js'
import { Connections, type ConnectionsOptions } from './upstream/connections.js'
import { GuardedChildren } from './upstream/guarded-children.js'
import { instanceFetch } from './upstream/instance-fetch.js'

/** What several processes need to know of each other; one process alone needs none of it. */
type Together = Pick<
  GatewayOptions,
  'processes' | 'home' | 'sealingKeys' | 'hop' | 'checkForwarded' | 'watch' | 'elsewhere'
>

/** What the data path is made of. A worker process makes the same with its own registry and observer. */
export interface GatewayParts extends Together {
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly registry: Registry
  /** What instances start that name a launch profile. Absent: children are started elsewhere. */
  readonly profiles?: LaunchProfiles | undefined
  readonly circuits: readonly StoredCircuit[]
  readonly door: Door
  readonly reporter: Reporter
  readonly observer: Pick<Observer, 'gateway'>
  readonly database?: (() => 'ok' | 'unavailable') | undefined
  readonly version: string
  /** Remembers child processes, so that the next start can end what this one leaves behind. */
  readonly children?: ChildLedger | undefined
  /** Reaches a child process of another process. @default children are started here */
  readonly connectStdio?: ((instance: Instance) => Connection) | undefined
  /** Wraps a connection before the gateway uses it. @default it is used as it is */
  readonly share?: ((instance: Instance, settings: TemplateSettings, connection: Connection) => Connection) | undefined
  readonly onConnectionEnd?: ConnectionsOptions['onEnd']
}

/** Wires the gateway of `@mcp-platform/gateway-core`. It starts nothing. */
export function buildGateway(parts: GatewayParts): { readonly gateway: Gateway; readonly connections: Connections } {
  const { settings, registry, circuits, door, reporter, observer, database, version } = parts
  const { processes, home, sealingKeys, hop, checkForwarded, watch, elsewhere } = parts
  const connections = new Connections({
    connect: connectorOf(parts),
    rules: rulesOf(parts),
    onEnd: parts.onConnectionEnd,
  })
  const share = parts.share ?? ((_instance, _settings, connection) => connection)
  const gateway = new Gateway({
    registry,
    connect: (instance, settings) => share(instance, settings, connections.connect(instance, settings)),
    authenticate: door.authenticate,
    challenge: door.challenge,
    addressOf: door.addressOf,
    admit: ({ template, message }) => door.limits.call(template, toolOf(message)),
    audit: reporter.call,
    refuseCommand: (template) => healthCommandRefusal(template, parts.modes.stdioMode),
    fetchFor: instanceFetch(addressPolicy(settings)),
    decide,
    defaults: templateDefaults(settings),
    circuits,
    database,
    version,
    region: settings.region,
    processes,
    home,
    sealingKeys,
    hop,
    checkForwarded,
    watch,
    elsewhere,
    onEvent: (event) => {
      reporter.gateway(event)
      observer.gateway(event)
    },
  })
  return { gateway, connections }
}

function rulesOf({ modes, profiles }: GatewayParts): StdioRules {
  return { stdioMode: modes.stdioMode, profiles }
}

function connectorOf(parts: GatewayParts): GatewayOptions['connect'] {
  const { settings, observer, children, connectStdio, profiles, registry } = parts
  const rules = rulesOf(parts)
  const connect = connector({
    guard: addressPolicy(settings),
    children: new GuardedChildren({
      budget: new NodeChildBudget(),
      find: (template, id) => registry.findInstance(template, id),
      refusal: (instance) => spawnRefusal(instance, rules),
    }),
    profiles,
    ledger: children,
    onEvent: observer.gateway,
  })
  if (connectStdio === undefined) return connect
  return (instance, own) => (instance.attach.kind !== 'http' ? connectStdio(instance) : connect(instance, own))
}

function toolOf({ envelope }: GatewayCall['message']): string | undefined {
  return envelope.method === 'tools/call' ? envelope.name : undefined
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
