export type { Envelope, ReplyEnvelope, Span } from './envelope.js'
export {
  EnvelopeError,
  type EnvelopeErrorCode,
  type RefusedBecause,
  UpstreamAddressRefusedError,
  UpstreamAnswerTooLargeError,
  UpstreamBadAnswerError,
  type UpstreamBound,
  UpstreamBusyError,
  UpstreamChildExitedError,
  UpstreamClosedError,
  UpstreamConnectFailedError,
  UpstreamCrashLoopError,
  UpstreamError,
  type UpstreamErrorCode,
  type UpstreamErrorInit,
  UpstreamHttpStatusError,
  UpstreamNotIdentifiedError,
  UpstreamResetError,
  UpstreamSessionLostError,
  UpstreamSpawnFailedError,
  UpstreamStreamTruncatedError,
  UpstreamTimeoutError,
  type UpstreamTimer,
  UpstreamUnauthorizedError,
  UpstreamUntrustedError,
} from './errors.js'
export type { OnUpstreamEvent, SessionLostBecause, UpstreamEvent } from './events.js'
export type { HttpTransport } from './http/era.js'
export { AddressGuard, type AddressPolicy, type ResolveName } from './http/guard.js'
export { headerValue } from './http/headers.js'
export { HttpConnection, type HttpConnectionOptions, OWN_CONTEXT } from './http/http-connection.js'
export type { TlsOptions } from './http/pools.js'
export { type ClientInfo, LATEST_LEGACY_VERSION, MODERN_VERSION, ownSessionInit } from './own-requests.js'
export { type McpProbeOptions, type McpProbeResult, mcpProbe, type ToolProbe } from './probe.js'
export { RemoteConnections } from './remote/remote-connections.js'
export { type ConnectionLender, type ServeConnectionsOptions, serveConnections } from './remote/serve-connections.js'
export { SharedConnection, type SharedConnectionOptions } from './remote/shared-connection.js'
export { MAX_REQUEST_DEPTH, scanEnvelope } from './scan/scan-envelope.js'
export { MAX_REPLY_DEPTH, ReplyScanner, scanReply } from './scan/scan-reply.js'
export { type ResultEnvelope, scanResult } from './scan/scan-result.js'
export { type Edit, replaceSpan, shiftReply, shiftSpan, spliceMany, withId } from './scan/splice.js'
export { splitBatch } from './scan/split-batch.js'
export { SessionPool, type SessionPoolOptions } from './session-pool.js'
export { formatSseEvent, SSE_KEEP_ALIVE, type SseEventInit } from './sse/format.js'
export { type SseEvent, SseParser, type SseParserOptions } from './sse/parser.js'
export type { StopGrace } from './stdio/child.js'
export {
  type ChildBudget,
  type ChildRequest,
  DEFAULT_CHILDREN_PER_NODE,
  DEFAULT_CHILDREN_PER_PRINCIPAL,
  NodeChildBudget,
  type NodeChildBudgetOptions,
} from './stdio/child-budget.js'
export type { Sharing } from './stdio/legacy-children.js'
export { type ChildLedger, ChildRunFile, type ChildRunFileOptions } from './stdio/orphans.js'
export { type StdioChildStatus, StdioConnection, type StdioStatus } from './stdio/stdio-connection.js'
export type { StdioConnectionOptions } from './stdio/stdio-options.js'
export type {
  Connection,
  Era,
  ExchangeLimits,
  ExchangeOptions,
  KnownSession,
  MessageSink,
  Phase,
  ServerIdentity,
  SessionInit,
  SessionKey,
  SessionLease,
  Upstream,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from './upstream.js'
