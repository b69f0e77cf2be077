import type { Envelope, UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { ModernCaller } from './caller.js'
import { decodeHeaderValue } from './header-value.js'
import { asObject, objectAt } from './json-edit.js'
import { ProtocolError, RPC } from './protocol-error.js'
import { META, MODERN_VERSION } from './versions.js'

/** Reads one request header by its lower-case name. */
export type HeaderReader = (name: string) => string | undefined

/** Methods that the modern era took away; asking for one is answered as for any unknown method. */
const REMOVED: ReadonlySet<string> = new Set([
  'initialize',
  'notifications/initialized',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'notifications/roots/list_changed',
])

/**
 * Validates a request of 2026-07-28 by the ladder of the specification (streamable-http, Server Validation) and says
 * who is calling. We read the body, so header and body must agree: what was authorised is what is executed.
 * @throws ProtocolError with the status and code that the specification demands
 */
export function readModernRequest(message: UpstreamMessage, header: HeaderReader, context: string): ModernCaller {
  const { envelope } = message
  const meta = metaOf(message)
  requireEnvelope(meta, header)
  requireSame('MCP-Protocol-Version', header('mcp-protocol-version'), envelope.protocolVersion)
  requireVersion(envelope.protocolVersion)
  requireSame('Mcp-Method', header('mcp-method'), envelope.method)
  requireName(envelope, header)
  if (envelope.method !== undefined && REMOVED.has(envelope.method)) {
    throw new ProtocolError(RPC.methodNotFound, 404, `${envelope.method} does not exist in ${MODERN_VERSION}`)
  }
  const logLevel = meta[META.logLevel]
  return {
    era: 'modern',
    context,
    protocolVersion: MODERN_VERSION,
    capabilities: asObject(meta[META.clientCapabilities]) ?? {},
    clientInfo: asObject(meta[META.clientInfo]),
    logLevel: typeof logLevel === 'string' ? logLevel : undefined,
  }
}

const NO_META: Readonly<Record<string, unknown>> = {}
const REMEMBERED_METAS = 64
const MAX_REMEMBERED_BYTES = 1_024
const remembered = new Map<string, Readonly<Record<string, unknown>>>()

// A client sends the same `_meta` with each request: what was parsed before is not parsed again (1 of 60 microseconds).
function metaOf({ body, envelope: { meta } }: UpstreamMessage): Readonly<Record<string, unknown>> {
  if (meta === undefined) return NO_META
  if (meta.end - meta.start > MAX_REMEMBERED_BYTES) return objectAt(body, meta) ?? NO_META
  const text = body.toString('utf8', meta.start, meta.end)
  const known = remembered.get(text)
  if (known !== undefined) return known
  const parsed = asObject(JSON.parse(text)) ?? NO_META
  // Requests that differ in their progress token or trace would fill it: then it starts anew.
  if (remembered.size >= REMEMBERED_METAS) remembered.clear()
  remembered.set(text, parsed)
  return parsed
}

/** The body decides about the era; the header alone says that a modern client forgot its envelope. */
export function isModern(envelope: Envelope, header: HeaderReader): boolean {
  if (envelope.protocolVersion !== undefined) return true
  return header('mcp-protocol-version') === MODERN_VERSION && envelope.method !== 'initialize'
}

function requireEnvelope(meta: Readonly<Record<string, unknown>>, header: HeaderReader): void {
  if (meta[META.protocolVersion] === undefined || meta[META.clientCapabilities] === undefined) {
    const missing = [META.protocolVersion, META.clientCapabilities].filter((key) => meta[key] === undefined)
    const data = { envelope: { missing } }
    throw new ProtocolError(RPC.invalidParams, 400, `params._meta must carry ${missing.join(' and ')}`, data)
  }
  const malformed = typeof meta[META.protocolVersion] !== 'string' || !asObject(meta[META.clientCapabilities])
  if (malformed && header('mcp-protocol-version') !== undefined) {
    throw new ProtocolError(
      RPC.invalidParams,
      400,
      'params._meta is malformed: a version is a string, capabilities are an object',
    )
  }
}

function requireVersion(version: string | undefined): void {
  if (version === MODERN_VERSION) return
  throw new ProtocolError(RPC.unsupportedVersion, 400, `protocol version ${version} is not supported`, {
    supported: [MODERN_VERSION],
    requested: version,
  })
}

const NAMED_BY: Readonly<Record<string, 'name' | 'uri' | 'taskId'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

function requireName(envelope: Envelope, header: HeaderReader): void {
  const member = envelope.method === undefined ? undefined : NAMED_BY[envelope.method]
  if (member) requireSame('Mcp-Name', header('mcp-name'), envelope[member])
}

function requireSame(name: string, value: string | undefined, expected: string | undefined): void {
  const decoded = value === undefined ? undefined : decodeHeaderValue(value)
  if (decoded !== undefined && decoded === expected) return
  const why = value === undefined ? 'is missing' : 'differs from the body'
  throw new ProtocolError(RPC.headerMismatch, 400, `header ${name} ${why}`)
}
