export type { CallTrace, GatewayCall, GatewayReply } from './call.js'
export { type ConnectorOptions, connector } from './connect.js'
export { addCounts, type CallCounts, type GatewayCounts, settled, type TemplateCounts } from './counts.js'
export { CallerGoneError, DeadlineError, GatewayError, type GatewayErrorFacts, ShutdownError } from './errors.js'
export type {
  AttemptFailedEvent,
  CallEvent,
  DeniedEvent,
  ForeignSessionEvent,
  GatewayEvent,
  GatewayObserver,
} from './events.js'
export type { Hop, HopExchange } from './faces/homes.js'
export { Gateway } from './gateway.js'
export type { GatewayOptions } from './gateway-options.js'
export {
  type ClaimOutcome,
  IDEMPOTENCY_KEPT_MS,
  type IdempotencyClaim,
  type IdempotencyRecord,
  type IdempotencyResult,
  type IdempotencyScope,
  type IdempotencyStore,
  MAX_KEPT_RESULT_BYTES,
} from './idempotency.js'
export type { Interceptor } from './interceptors.js'
export type { CallEnd } from './pipeline.js'
export { GATEWAY_CLIENT } from './plain-caller.js'
export { asGatewayError, toProblem } from './problem.js'
export type { RouteEndpoint } from './route-endpoints.js'
export type { HealthTarget, RouteHealth } from './route-health.js'
export type { CallStats } from './stats.js'
export type { UnitOfChanges, UnitOfWork, UnitVersions } from './unit-of-work.js'
export { type WatchOptions, watchTemplate } from './watch.js'
