import type { IncomingMessage } from 'node:http'
import type { Action, Decision, Principal, Scope } from '@mcp-platform/auth'
import type { GatewayHealth } from '@mcp-platform/contract'
import type { Instance, PartialTemplateSettings, Registry, TemplateSettings } from '@mcp-platform/core-registry'
import type { StoredCircuit } from '@mcp-platform/health'
import type { SealingKey } from '@mcp-platform/mcp-bridge'
import type { Connection } from '@mcp-platform/mcp-upstream'
import type { GatewayCall } from './call.js'
import type { GatewayCounts } from './counts.js'
import type { GatewayObserver } from './events.js'
import type { Hop } from './faces/homes.js'
import type { Interceptor } from './interceptors.js'
import type { CallEnd } from './pipeline.js'
import type { RouteHealth } from './route-health.js'
import type { WatchOptions } from './watch.js'

/** What a `Gateway` is made of, and its bounds. */
export interface GatewayOptions {
  readonly registry: Registry
  /** Makes the connection of an instance; called once per instance and generation, closed by the gateway. */
  readonly connect: (instance: Instance, settings: TemplateSettings) => Connection
  /** Who is calling. @throws GatewayError CREDENTIAL_REQUIRED, CREDENTIAL_INVALID, CREDENTIALS_CONFLICT */
  readonly authenticate: (request: IncomingMessage) => Principal | Promise<Principal>
  /** Where a request comes from, for audited calls and refusals. @default not known */
  readonly addressOf?: ((request: IncomingMessage) => string) | undefined
  /** The one decision function of `@mcp-platform/auth`. */
  readonly decide: (principal: Principal, action: Action) => Decision
  /** `WWW-Authenticate` for a caller who lacks a scope (403 `insufficient_scope`). @default none */
  readonly challenge?: ((request: IncomingMessage, scope: Scope) => string) | undefined
  /** Looks at each call that is allowed, before it goes anywhere: rate limits. @throws GatewayError RATE_LIMITED */
  readonly admit?: ((call: GatewayCall) => void) | undefined
  /** Takes each ended call of a template whose setting `audit` is not `off`. Synchronous and cheap; must not throw. */
  readonly audit?: ((call: GatewayCall, end: CallEnd) => void) | undefined
  /** Settings for templates that set none of their own. @default those of core-registry */
  readonly defaults?: PartialTemplateSettings | undefined
  /** Circuits of the last run. @default none */
  readonly circuits?: readonly StoredCircuit[] | undefined
  /** Keys for session ids and request states, the current one first. @default a random one: nothing survives a restart */
  readonly sealingKeys?: readonly SealingKey[] | undefined
  /** Name of this process, sealed into session ids. @default 'main' */
  readonly home?: string | undefined
  /**
   * Processes that serve the same instances side by side, this one among them: caps, queues and budgets are divided.
   * Integer >= 1. @default 1
   */
  readonly processes?: number | undefined
  /** Region of this node: instances of the same region, or of none, come first. @default instances are used wherever they are */
  readonly region?: string | undefined
  /** Sends a message to the process where its session or parked call lives. @default every one is served here */
  readonly hop?: Hop | undefined
  /**
   * Makes sure that the body of a message that came by `handleForwarded` is the one that its sender had.
   * @default it is taken as it is
   */
  readonly checkForwarded?: ((request: IncomingMessage, body: Buffer) => void) | undefined
  /** What other processes have counted, for the views. @default nothing */
  readonly elsewhere?: (() => readonly GatewayCounts[]) | undefined
  /** Why the command that checks a template's health must not be run; asked at each start. @default it may be run */
  readonly refuseCommand?: WatchOptions['refuseCommand']
  /** How an instance is asked by a health check of the kind `http`. @default the global fetch, without its certificates */
  readonly fetchFor?: WatchOptions['fetchFor']
  /** Makes the health monitor of a template. @default one that probes by the template's settings */
  readonly watch?: ((options: WatchOptions) => RouteHealth) | undefined
  readonly interceptors?: readonly Interceptor[] | undefined
  /** Largest body of an MCP request, in bytes. @default 4 MiB */
  readonly maxBodyBytes?: number | undefined
  /** A reader of an event stream that takes nothing for this long is cut, in milliseconds. @default 30 s */
  readonly maxStallMs?: number | undefined
  /** Time between keep-alive comments on event streams, in milliseconds. @default 15 s */
  readonly heartbeatMs?: number | undefined
  /**
   * A subscription of a 2026 client ends gracefully after this long at most, so that load can move, in milliseconds. @default 1 h
   */
  readonly subscriptionMaxAgeMs?: number | undefined
  /** Without a message for this long a client's session ends, in milliseconds. @default 30 min */
  readonly sessionIdleMs?: number | undefined
  /** How long a client may take to answer a question of a server; the call's total time stands still, in milliseconds. @default 10 min */
  readonly maxAskMs?: number | undefined
  /** Time between two comparisons of what the instances of a template over HTTP offer, in milliseconds. @default 5 min */
  readonly toolCheckMs?: number | undefined
  /** Calls that one principal may have in flight, over all processes. @default 1_024 */
  readonly maxInFlightPerPrincipal?: number | undefined
  /** Whether the database answers, for `GET /gateway/health`. @default 'none' */
  readonly database?: (() => GatewayHealth['database']) | undefined
  readonly version?: string | undefined
  /** Monotonic milliseconds. @default performance.now */
  readonly now?: (() => number) | undefined
  /** Milliseconds since 1970, for the expiry that is sealed into ids. @default Date.now */
  readonly wallNow?: (() => number) | undefined
  /** 0 <= x < 1. @default Math.random */
  readonly random?: (() => number) | undefined
  readonly onEvent?: GatewayObserver | undefined
}
