import { type ReplyEnvelope, replaceSpan, type ServerIdentity, scanReply, scanResult } from '@mcp-platform/mcp-upstream'
import { insertMembers, isObject } from './json-edit.js'
import { META } from './versions.js'

/** What a legacy server's list means to a modern client: not to be kept, and not to be shown to anybody else. */
const UNCACHEABLE = '"ttlMs":0,"cacheScope":"private"'

const CACHEABLE: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** `-32002`, the legacy "resource not found", is `-32602` in the modern era. */
const LEGACY_NOT_FOUND = /"code"\s*:\s*-32002\b/

/**
 * Writes what a modern client must find in a result (`resultType`, `serverInfo`, cache hints) into the response of a
 * legacy server. Everything else stays byte for byte.
 */
export function decorateForModern(
  json: Buffer,
  envelope: ReplyEnvelope,
  method: string,
  identity: ServerIdentity,
): Buffer {
  if (envelope.error) return modernError(json, envelope.error)
  if (!isObject(json, envelope.result)) return json
  const result = json.subarray(envelope.result.start, envelope.result.end)
  return replaceSpan(json, envelope.result, decorate(result, method, identity))
}

function decorate(result: Buffer, method: string, identity: ServerIdentity): Buffer {
  const found = scanResult(result)
  if (!found) return result
  const serverInfo = `"${META.serverInfo}":${JSON.stringify(identity.serverInfo)}`
  const whole = { start: 0, end: result.length }
  const members: string[] = []
  if (found.resultType === undefined) members.push('"resultType":"complete"')
  if (CACHEABLE.has(method) && !found.ttlMs && !found.cacheScope) members.push(UNCACHEABLE)
  if (!found.meta) members.push(`"_meta":{${serverInfo}}`)
  // The later edit first, so that the earlier span still holds.
  const marked =
    isObject(result, found.meta) && !found.serverInfo ? insertMembers(result, found.meta, serverInfo) : result
  return members.length === 0 ? marked : insertMembers(marked, whole, members.join(','))
}

function modernError(json: Buffer, span: { start: number; end: number }): Buffer {
  const error = json.toString('utf8', span.start, span.end)
  if (!LEGACY_NOT_FOUND.test(error)) return json
  const parsed: { code?: unknown } = JSON.parse(error)
  if (parsed.code !== -32002) return json
  return replaceSpan(json, span, Buffer.from(JSON.stringify({ ...parsed, code: -32602 })))
}

/** A whole response message with its envelope, made from a result object of ours. */
export function responseMessage(idToken: string, result: unknown): { json: Buffer; envelope: ReplyEnvelope } {
  const json = Buffer.from(`{"jsonrpc":"2.0","id":${idToken},"result":${JSON.stringify(result)}}`)
  return { json, envelope: scanReply(json) }
}
