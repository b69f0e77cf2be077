import {
  type ReplyEnvelope,
  type ResultEnvelope,
  replaceSpan,
  type Span,
  scanResult,
  shiftReply,
} from '@mcp-platform/mcp-upstream'
import { isObject, isOnlyMember, removeMembers } from './json-edit.js'

/** A response with its envelope. */
export interface Response {
  readonly json: Buffer
  readonly envelope: ReplyEnvelope
}

/** What the protocol knows of a response's result; undefined when it is no object, or one that says a thing twice. */
export function resultEnvelope({ json, envelope: { result } }: Response): ResultEnvelope | undefined {
  return isObject(json, result) ? scanResult(json.subarray(result.start, result.end)) : undefined
}

/** Takes what only the modern era knows out of a modern server's response. Everything else stays byte for byte. */
export function stripForLegacy(json: Buffer, envelope: ReplyEnvelope): Buffer {
  const response = { json, envelope }
  return stripResponse(response, resultEnvelope(response)).json
}

/** {@link stripForLegacy} given the {@link resultEnvelope}; the envelope is moved along, not scanned again. */
export function stripResponse(response: Response, found: ResultEnvelope | undefined): Response {
  const { json, envelope } = response
  const span = envelope.result
  if (!span || !found) return response
  const result = json.subarray(span.start, span.end)
  const gone = [
    found.resultType === 'complete' ? found.resultTypeSpan : undefined,
    found.ttlMs,
    found.cacheScope,
    serverInfoOf(result, found),
  ]
  const bytes = removeMembers(result, gone)
  return { json: replaceSpan(json, span, bytes), envelope: shiftReply(envelope, [{ span, bytes }]) }
}

// An empty `_meta` would be one that the server did not send.
function serverInfoOf(result: Buffer, { meta, serverInfo }: ResultEnvelope): Span | undefined {
  return meta && serverInfo && isOnlyMember(result, meta, serverInfo) ? meta : serverInfo
}
