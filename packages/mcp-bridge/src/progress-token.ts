import { type ReplyEnvelope, replaceSpan, shiftReply, type UpstreamMessage } from '@mcp-platform/mcp-upstream'

/** A message of the server with its envelope. */
export interface ServerMessage {
  readonly json: Buffer
  readonly envelope: ReplyEnvelope
}

/**
 * The message as the client of `request` understands it: progress goes under the token of that request, which in a retry
 * is another one than the server was given. Undefined for progress that this request did not ask for.
 */
export function underTokenOf(request: UpstreamMessage, message: ServerMessage): ServerMessage | undefined {
  const found = message.envelope.progressToken
  if (found === undefined) return message
  const wanted = request.envelope.progressToken
  if (wanted === undefined) return undefined
  const bytes = request.body.subarray(wanted.start, wanted.end)
  const json = replaceSpan(message.json, found, bytes)
  return { json, envelope: shiftReply(message.envelope, [{ span: found, bytes }]) }
}
