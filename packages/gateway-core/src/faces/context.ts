import type { IncomingMessage } from 'node:http'
import type { Action, Decision, Principal, Scope } from '@mcp-platform/auth'
import type { TemplateHealth } from '@mcp-platform/contract'
import type { Sealer, SessionBook } from '@mcp-platform/mcp-bridge'
import type { Authorizer } from '../authorizer.js'
import type { CallScope } from '../call-scope.js'
import type { DeadlineWheel } from '../deadline-wheel.js'
import type { GatewayObserver } from '../events.js'
import type { Pipeline } from '../pipeline.js'
import type { RouteTable } from '../route-table.js'
import type { TaskIds } from '../task-ids.js'
import type { TemplateWatch } from '../template-watch.js'
import type { VisibleLists } from '../visible-lists.js'
import type { Homes } from './homes.js'

/** What a face needs of the gateway. */
export interface FaceContext {
  readonly pipeline: Pipeline
  readonly routes: RouteTable
  readonly templates: TemplateWatch
  readonly lists: VisibleLists
  readonly tasks: TaskIds
  readonly sessions: SessionBook
  /** Seals what clients carry for us: cursors. */
  readonly sealer: Sealer
  readonly wheel: DeadlineWheel
  /** The calls under way, so that a stop can end them. */
  readonly scopes: Set<CallScope>
  readonly authenticate: (request: IncomingMessage) => Principal | Promise<Principal>
  /** Where a request comes from, for the audit trail. */
  readonly addressOf?: ((request: IncomingMessage) => string) | undefined
  /** For what is shown or hidden; where somebody is refused, ask `authorizer`. */
  readonly decide: (principal: Principal, action: Action) => Decision
  readonly authorizer: Authorizer
  /** `WWW-Authenticate` for a caller who lacks a scope. */
  readonly challenge?: ((request: IncomingMessage, scope: Scope) => string) | undefined
  readonly templateHealth: (template: string) => TemplateHealth
  readonly maxBodyBytes: number
  /** How long the reader of an event stream may take nothing, in milliseconds. @default that of EventStream */
  readonly maxStallMs?: number | undefined
  /** Time between keep-alive comments on event streams, in milliseconds. @default that of EventStream */
  readonly heartbeatMs?: number | undefined
  /** A subscription of a 2026 client ends gracefully within this time, in milliseconds. */
  readonly subscriptionMaxAgeMs: number
  /** Other processes that sessions may live in. */
  readonly homes: Homes
  /** Makes sure that the body of a message that was sent on is the one that its sender had. @throws GatewayError */
  readonly checkBody?: ((request: IncomingMessage, body: Buffer) => void) | undefined
  readonly now: () => number
  readonly random: () => number
  readonly onEvent: GatewayObserver
}
