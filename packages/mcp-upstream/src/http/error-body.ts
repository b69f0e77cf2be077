import type { ReplyEnvelope } from '../envelope.js'
import type { JsonBody } from './json-body.js'

/** The envelope of an error body, if it is a JSON-RPC error. */
export function errorEnvelope(body: JsonBody): ReplyEnvelope | undefined {
  try {
    const envelope = body.envelope()
    return envelope.kind === 'response' ? envelope : undefined
  } catch {
    // Whatever it is, it is no JSON-RPC: the HTTP status speaks.
    return undefined
  }
}

/** `code` of a JSON-RPC error object, if it is a number. */
export function codeOf(error: Buffer): number | undefined {
  const { code } = JSON.parse(error.toString()) as { code?: unknown }
  return typeof code === 'number' ? code : undefined
}
