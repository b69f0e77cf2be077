import { type ReplyEnvelope, type ResultEnvelope, replaceSpan, type Span, scanResult } from '@mcp-platform/mcp-upstream'
import { isObject, isOnlyMember, removeMembers } from './json-edit.js'

/** Takes what only the modern era knows out of a modern server's response. Everything else stays byte for byte. */
export function stripForLegacy(json: Buffer, envelope: ReplyEnvelope): Buffer {
  if (!isObject(json, envelope.result)) return json
  const result = json.subarray(envelope.result.start, envelope.result.end)
  const found = scanResult(result)
  if (!found) return json
  const gone = [
    found.resultType === 'complete' ? found.resultTypeSpan : undefined,
    found.ttlMs,
    found.cacheScope,
    serverInfoOf(result, found),
  ]
  return replaceSpan(json, envelope.result, removeMembers(result, gone))
}

// An empty `_meta` would be one that the server did not send.
function serverInfoOf(result: Buffer, { meta, serverInfo }: ResultEnvelope): Span | undefined {
  return meta && serverInfo && isOnlyMember(result, meta, serverInfo) ? meta : serverInfo
}
