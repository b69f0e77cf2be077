import { CR, LF, SPACE } from '../scan/bytes.js'
import { type Edit, spliceMany } from '../scan/splice.js'
import type { UpstreamMessage } from '../upstream.js'

const NEWLINE = Buffer.from('\n')

/** A message as one line: edited, raw line ends turned to spaces (in JSON they can only stand between tokens). */
export function asLine(body: Buffer, edits: readonly Edit[] = []): Buffer {
  const end = { start: body.length, end: body.length }
  return spliceMany(onOneLine(body), [...edits, { span: end, bytes: NEWLINE }])
}

/** The edits that give a request our id, and the same number as progress token if it asks for progress. */
export function mintedEdits({ envelope }: UpstreamMessage, id: number): readonly Edit[] {
  const bytes = Buffer.from(String(id))
  return [envelope.id, envelope.progressToken].flatMap((span) => (span === undefined ? [] : [{ span, bytes }]))
}

/** Tells the server that nobody waits for request `id` any more. */
export function cancelledLine(id: number): Buffer {
  return lineOf({ method: 'notifications/cancelled', params: { requestId: id, reason: 'the caller gave it up' } })
}

/** The answer to a ping. `id` is the raw token. */
export function pongLine(id: Buffer): Buffer {
  return Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":'), id, Buffer.from(',"result":{}}\n')])
}

/** Refuses a request of the server that no client can answer. `id` is the raw token. */
export function refusalLine(id: Buffer): Buffer {
  const error = '"error":{"code":-32601,"message":"Method not found: the client did not declare this capability"}'
  return Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":'), id, Buffer.from(`,${error}}\n`)])
}

function lineOf(members: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', ...members })}\n`)
}

function onOneLine(body: Buffer): Buffer {
  if (!body.includes(LF) && !body.includes(CR)) return body
  return body.map((byte) => (byte === LF || byte === CR ? SPACE : byte)) as Buffer
}
