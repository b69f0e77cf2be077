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
} from './errors.js'
export type { OnUpstreamEvent, SessionLostBecause, UpstreamEvent } from './events.js'
export { MAX_REQUEST_DEPTH, scanEnvelope } from './scan/scan-envelope.js'
export { MAX_REPLY_DEPTH, ReplyScanner, scanReply } from './scan/scan-reply.js'
export { type Edit, replaceSpan, shiftReply, shiftSpan, spliceMany, withId } from './scan/splice.js'
export { splitBatch } from './scan/split-batch.js'
export { formatSseEvent, SSE_KEEP_ALIVE, type SseEventInit } from './sse/format.js'
export { type SseEvent, SseParser, type SseParserOptions } from './sse/parser.js'
export type {
  Connection,
  Era,
  ExchangeLimits,
  ExchangeOptions,
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
