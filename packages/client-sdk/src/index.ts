export type { RequestOptions } from './api.js'
export type { ApiKeys, RotateOptions } from './api-keys.js'
export type { AuditOptions } from './audit.js'
export type { CallListeners, Progress } from './call-stream.js'
export {
  BadAnswerError,
  ClientClosedError,
  type ClientErrorCode,
  GatewayClientError,
  GatewayError,
  GatewayTimeoutError,
  GatewayUnreachableError,
  InvalidRequestError,
  NotAllowedError,
  NotAuthenticatedError,
  NotFoundError,
  RateLimitedError,
  SessionEndedError,
  StateFileError,
} from './errors.js'
export {
  type DeregisterOptions,
  GatewayClient,
  type ImportOptions,
  type RegisterOptions,
  type SyncOptions,
} from './gateway-client.js'
export { type DiscoverOptions, discoverLocalGateway, type LocalGateway, stateFolder } from './local-gateway.js'
export type { GatewayClientOptions, TokenSource } from './options.js'
export { memorySessionStore, type SessionStore, type SessionTokens } from './session-store.js'
export type { CallToolOptions, CallToolsOptions } from './tool-calls.js'
export type { Users } from './users.js'
