import { type ReplyEnvelope, replaceSpan, scanResult } from '@mcp-platform/mcp-upstream'
import { isObject, removeMembers } from './json-edit.js'

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
    found.serverInfo,
  ]
  return replaceSpan(json, envelope.result, removeMembers(result, gone))
}
