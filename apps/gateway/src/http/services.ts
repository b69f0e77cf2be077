import type { GatewayReport } from '@mcp-platform/contract'
import type { Registry } from '@mcp-platform/core-registry'
import type { Gateway, UnitOfWork } from '@mcp-platform/gateway-core'
import type { Request } from 'express'
import type { EventHub } from '../events/hub.js'
import type { Authenticate } from '../identity/door.js'
import type { Identity } from '../identity/identity.js'
import type { StdioRules } from '../identity/stdio-mode.js'
import type { RegistrySync } from '../registry/sync.js'
import type { Connections } from '../upstream/connections.js'

/** What controllers work with; one object per gateway, never a global. */
export interface Services {
  readonly gateway: Gateway
  readonly registry: Registry
  /** Writes a change of the registry and one of users and keys as one. */
  readonly unit: UnitOfWork
  readonly sync: RegistrySync
  readonly events: EventHub
  readonly connections: Connections
  readonly version: string
  readonly authenticate: Authenticate
  readonly identity: Identity
  readonly authEnabled: boolean
  readonly stdio: Required<StdioRules>
  /** Who is calling, through trusted proxies. */
  readonly addressOf: (request: Request) => string
  /** Brings the counters of the gateway's other processes up to date; bounded. */
  readonly countAll: () => Promise<void>
  /** How this gateway is; bounded. */
  readonly report: () => Promise<GatewayReport>
  /** Why the gateway is not ready to serve; undefined when it is. */
  readonly notReady: () => string | undefined
}

/** The services that the app was made with. */
export function servicesOf(request: Request): Services {
  return request.app.locals['services'] as Services
}
