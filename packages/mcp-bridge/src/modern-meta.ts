import { type Envelope, scanEnvelope, type UpstreamMessage } from '@mcp-platform/mcp-upstream'

const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Writes members into `params._meta` of a message without re-modelling the rest; makes `params` and `_meta` where absent.
 * The members must not be there yet. Cost: one copy and one scan of the message.
 */
export function withMeta(message: UpstreamMessage, members: Readonly<Record<string, unknown>>): UpstreamMessage {
  return withMetaText(message, metaText(members))
}

/** Members as they stand in `_meta`: `"a":1,"b":2`. Keep it where the same ones are written again and again. */
export function metaText(members: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(members).slice(1, -1)
}

/** {@link withMeta} with members that are written already. */
export function withMetaText(message: UpstreamMessage, text: string): UpstreamMessage {
  if (text === '') return message
  const body = insertMeta(message.body, message.envelope, text)
  return { ...message, body, envelope: scanEnvelope(body) }
}

function insertMeta(body: Buffer, envelope: Envelope, members: string): Buffer {
  if (envelope.meta) return insertFirst(body, envelope.meta.start, members)
  if (envelope.params) return insertFirst(body, envelope.params.start, `"_meta":{${members}}`)
  const end = body.lastIndexOf(CLOSE_BRACE)
  return splice(body, end, `,"params":{"_meta":{${members}}}`)
}

// Inserts right after the opening brace of the object that starts at `start`.
function insertFirst(body: Buffer, start: number, members: string): Buffer {
  const open = body.indexOf(OPEN_BRACE, start)
  return splice(body, open + 1, isEmptyObject(body, open) ? members : `${members},`)
}

function isEmptyObject(body: Buffer, open: number): boolean {
  let at = open + 1
  while (at < body.length && (body[at] ?? 0) <= 0x20) at++
  return body[at] === CLOSE_BRACE
}

function splice(body: Buffer, at: number, text: string): Buffer {
  return Buffer.concat([body.subarray(0, at), Buffer.from(text), body.subarray(at)])
}
