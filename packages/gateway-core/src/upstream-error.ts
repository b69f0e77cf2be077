import type { ErrorCode } from '@mcp-platform/contract'
import type { Span } from '@mcp-platform/mcp-upstream'
import type { GatewayCall } from './call.js'
import { GatewayError } from './errors.js'

const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
/** Resource not found, until 2025-11-25; since 2026-07-28 that is -32602. */
const LEGACY_NOT_FOUND = -32002
/** MissingRequiredClientCapability (SPEC 2026-07-28 basic/index). */
const MISSING_CAPABILITY = -32021

/** The server's JSON-RPC error as a problem of ours: its code and message stay readable in `upstream`. */
export function upstreamError(json: Buffer, span: Span, call: GatewayCall): GatewayError {
  const error = readError(json, span)
  const facts = {
    template: call.template,
    instanceId: call.trace.instanceId,
    attempts: call.trace.attempts,
    upstream: error,
  }
  return new GatewayError(codeFor(error.code, call), messageFor(error, call), facts)
}

/** A server wants to ask the user something, and this caller has no way to answer. */
export function capabilityRequired(call: GatewayCall): GatewayError {
  return new GatewayError(
    'CLIENT_CAPABILITY_REQUIRED',
    `"${call.message.envelope.name}" asks its caller something back, which REST cannot carry; call it from an MCP client at /mcp/${call.template}`,
    { template: call.template, instanceId: call.trace.instanceId },
  )
}

function codeFor(code: number, call: GatewayCall): ErrorCode {
  if (isUnknownResource(code, call)) return 'RESOURCE_NOT_FOUND'
  if (code === METHOD_NOT_FOUND) return 'UPSTREAM_METHOD_NOT_FOUND'
  if (code === INVALID_PARAMS) return 'UPSTREAM_INVALID_PARAMS'
  return code === MISSING_CAPABILITY ? 'CLIENT_CAPABILITY_REQUIRED' : 'UPSTREAM_ERROR'
}

// A read has one parameter, and that it is text was seen to before: what else can be wrong with it than that nothing is there?
function isUnknownResource(code: number, { message: { envelope } }: GatewayCall): boolean {
  return envelope.method === 'resources/read' && (code === LEGACY_NOT_FOUND || code === INVALID_PARAMS)
}

function messageFor(error: { code: number; message: string }, call: GatewayCall): string {
  if (isUnknownResource(error.code, call)) {
    const { uri } = call.message.envelope
    return `the server of template "${call.template}" has no resource "${uri}": ${error.message}`
  }
  if (error.code === MISSING_CAPABILITY) return capabilityRequired(call).message
  return `the server answered ${call.message.envelope.method} with error ${error.code}: ${error.message}`
}

function readError(json: Buffer, span: Span): { code: number; message: string; data?: unknown } {
  const error: unknown = JSON.parse(json.toString('utf8', span.start, span.end))
  if (typeof error !== 'object' || error === null) return { code: 0, message: 'no error object' }
  const { code, message, data }: { code?: unknown; message?: unknown; data?: unknown } = error
  return {
    code: typeof code === 'number' ? code : 0,
    message: typeof message === 'string' ? message : 'no message',
    ...(data === undefined ? {} : { data }),
  }
}
