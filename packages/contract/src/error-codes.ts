/** A stable code of the gateway's errors. */
export type ErrorCode =
  | 'REQUEST_MALFORMED'
  | 'CREDENTIALS_CONFLICT'
  | 'SESSION_REQUIRED'
  | 'HEADER_MISMATCH'
  | 'PROTOCOL_VERSION_UNSUPPORTED'
  | 'CREDENTIAL_REQUIRED'
  | 'CREDENTIAL_INVALID'
  | 'LOGIN_FAILED'
  | 'HOST_NOT_ALLOWED'
  | 'ORIGIN_NOT_ALLOWED'
  | 'FORBIDDEN'
  | 'TEMPLATE_NOT_FOUND'
  | 'INSTANCE_NOT_FOUND'
  | 'TOOL_NOT_FOUND'
  | 'RESOURCE_NOT_FOUND'
  | 'SESSION_NOT_FOUND'
  | 'USER_NOT_FOUND'
  | 'API_KEY_NOT_FOUND'
  | 'ROUTE_NOT_FOUND'
  | 'UPSTREAM_METHOD_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'REQUEST_TIMEOUT'
  | 'CONFLICT'
  | 'USER_EXISTS'
  | 'LAST_ADMIN'
  | 'BODY_TOO_LARGE'
  | 'CONTENT_TYPE_UNSUPPORTED'
  | 'CONTENT_ENCODING_UNSUPPORTED'
  | 'VALIDATION_FAILED'
  | 'CLIENT_CAPABILITY_REQUIRED'
  | 'UPSTREAM_INVALID_PARAMS'
  | 'RATE_LIMITED'
  | 'LOGIN_THROTTLED'
  | 'INTERNAL'
  | 'NOT_IMPLEMENTED'
  | 'UPSTREAM_ERROR'
  | 'UPSTREAM_FAILED'
  | 'UPSTREAM_BAD_ANSWER'
  | 'UPSTREAM_ANSWER_TOO_LARGE'
  | 'UPSTREAM_UNAUTHORIZED'
  | 'OUTCOME_UNKNOWN'
  | 'NO_INSTANCE_AVAILABLE'
  | 'OVERLOADED'
  | 'QUEUE_FULL'
  | 'QUEUE_TIMEOUT'
  | 'DATABASE_UNAVAILABLE'
  | 'IDENTITY_UNAVAILABLE'
  | 'SHUTTING_DOWN'
  | 'UPSTREAM_TIMEOUT'
  | 'OUTCOME_UNKNOWN_TIMEOUT'

/** How one error of ours looks on either face. */
export interface ErrorCodeEntry {
  /** HTTP status. */
  readonly status: number
  /** The problem's `title`: the same for every occurrence. */
  readonly title: string
  /** Code of the JSON-RPC error on the native face, whose `data` is the problem. */
  readonly rpcCode: number
}

/** JSON-RPC codes of our own, outside the range that the specification owns (MCP.md). */
export const rpcCodes = {
  outcomeUnknown: -31001,
  unavailable: -31002,
  limited: -31003,
  timedOut: -31004,
  badUpstreamAnswer: -31005,
  forbidden: -31006,
} as const

const INVALID_REQUEST = -32600
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
const INTERNAL_ERROR = -32603
// Of MCP 2026-07-28.
const HEADER_MISMATCH = -32020
const MISSING_CLIENT_CAPABILITY = -32021
const UNSUPPORTED_PROTOCOL_VERSION = -32022

/** Every error of the gateway by its stable code. */
export const errorCodes: Readonly<Record<ErrorCode, ErrorCodeEntry>> = {
  REQUEST_MALFORMED: entry(400, 'The request is malformed', INVALID_REQUEST),
  CREDENTIALS_CONFLICT: entry(400, 'Two different credentials were given', INVALID_REQUEST),
  SESSION_REQUIRED: entry(400, 'A session id is required', INVALID_REQUEST),
  HEADER_MISMATCH: entry(400, 'Header and body contradict each other', HEADER_MISMATCH),
  PROTOCOL_VERSION_UNSUPPORTED: entry(400, 'The protocol version is not supported', UNSUPPORTED_PROTOCOL_VERSION),
  CREDENTIAL_REQUIRED: entry(401, 'A credential is required', rpcCodes.forbidden),
  CREDENTIAL_INVALID: entry(401, 'The credential is not valid', rpcCodes.forbidden),
  LOGIN_FAILED: entry(401, 'The login is not valid', rpcCodes.forbidden),
  HOST_NOT_ALLOWED: entry(403, 'The host is not allowed', rpcCodes.forbidden),
  ORIGIN_NOT_ALLOWED: entry(403, 'The origin is not allowed', rpcCodes.forbidden),
  FORBIDDEN: entry(403, 'Not allowed', rpcCodes.forbidden),
  TEMPLATE_NOT_FOUND: entry(404, 'Unknown template', INVALID_PARAMS),
  INSTANCE_NOT_FOUND: entry(404, 'Unknown instance', INVALID_PARAMS),
  TOOL_NOT_FOUND: entry(404, 'Unknown tool', INVALID_PARAMS),
  RESOURCE_NOT_FOUND: entry(404, 'Unknown resource', INVALID_PARAMS),
  SESSION_NOT_FOUND: entry(404, 'Unknown session', INVALID_REQUEST),
  USER_NOT_FOUND: entry(404, 'Unknown user', INVALID_PARAMS),
  API_KEY_NOT_FOUND: entry(404, 'Unknown API key', INVALID_PARAMS),
  ROUTE_NOT_FOUND: entry(404, 'Unknown path', METHOD_NOT_FOUND),
  UPSTREAM_METHOD_NOT_FOUND: entry(404, 'The server does not offer this method', METHOD_NOT_FOUND),
  METHOD_NOT_ALLOWED: entry(405, 'The method is not allowed on this path', INVALID_REQUEST),
  NOT_ACCEPTABLE: entry(406, 'The answer has no form that the caller accepts', INVALID_REQUEST),
  REQUEST_TIMEOUT: entry(408, 'The request took too long to arrive', INVALID_REQUEST),
  CONFLICT: entry(409, 'Conflict with what is there', INVALID_REQUEST),
  USER_EXISTS: entry(409, 'There is a user of this name', INVALID_REQUEST),
  LAST_ADMIN: entry(409, 'The last administrator must stay', INVALID_REQUEST),
  BODY_TOO_LARGE: entry(413, 'The body is too large', INVALID_REQUEST),
  CONTENT_TYPE_UNSUPPORTED: entry(415, 'The content type is not supported', INVALID_REQUEST),
  CONTENT_ENCODING_UNSUPPORTED: entry(415, 'The content encoding is not supported', INVALID_REQUEST),
  VALIDATION_FAILED: entry(422, 'The request is not valid', INVALID_PARAMS),
  CLIENT_CAPABILITY_REQUIRED: entry(422, 'The tool needs a client that can be asked back', MISSING_CLIENT_CAPABILITY),
  UPSTREAM_INVALID_PARAMS: entry(422, 'The server refused the parameters', INVALID_PARAMS),
  RATE_LIMITED: entry(429, 'Too many requests', rpcCodes.limited),
  LOGIN_THROTTLED: entry(429, 'Too many failed logins', rpcCodes.limited),
  INTERNAL: entry(500, 'The gateway failed', INTERNAL_ERROR),
  NOT_IMPLEMENTED: entry(501, 'Not implemented', METHOD_NOT_FOUND),
  UPSTREAM_ERROR: entry(502, 'The server answered with an error', rpcCodes.badUpstreamAnswer),
  UPSTREAM_FAILED: entry(502, 'The server failed', rpcCodes.badUpstreamAnswer),
  UPSTREAM_BAD_ANSWER: entry(502, 'The server gave an answer that is none', rpcCodes.badUpstreamAnswer),
  UPSTREAM_ANSWER_TOO_LARGE: entry(502, 'The answer of the server is too large', rpcCodes.badUpstreamAnswer),
  UPSTREAM_UNAUTHORIZED: entry(502, "The server refused the gateway's credential", rpcCodes.badUpstreamAnswer),
  OUTCOME_UNKNOWN: entry(502, 'It is unknown whether the tool has run', rpcCodes.outcomeUnknown),
  NO_INSTANCE_AVAILABLE: entry(503, 'No instance is available', rpcCodes.unavailable),
  OVERLOADED: entry(503, 'Overloaded', rpcCodes.unavailable),
  QUEUE_FULL: entry(503, 'The queue is full', rpcCodes.unavailable),
  QUEUE_TIMEOUT: entry(503, 'The wait for an instance took too long', rpcCodes.unavailable),
  DATABASE_UNAVAILABLE: entry(503, 'The database is not available', rpcCodes.unavailable),
  IDENTITY_UNAVAILABLE: entry(503, 'Credentials cannot be checked now', rpcCodes.unavailable),
  SHUTTING_DOWN: entry(503, 'The gateway is shutting down', rpcCodes.unavailable),
  UPSTREAM_TIMEOUT: entry(504, 'The server was too slow', rpcCodes.timedOut),
  OUTCOME_UNKNOWN_TIMEOUT: entry(504, 'Timed out; it is unknown whether the tool has run', rpcCodes.outcomeUnknown),
}

/** True for a code of this version of the contract; a newer gateway may have more. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}

function entry(status: number, title: string, rpcCode: number): ErrorCodeEntry {
  return { status, title, rpcCode }
}
