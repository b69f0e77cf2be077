import { isUtf8 } from 'node:buffer'
import { EnvelopeError } from '../errors.js'
import { JSON_SPACE, OPEN_BRACKET } from './bytes.js'
import { JsonWalker } from './json-walker.js'
import { MAX_REPLY_DEPTH } from './scan-reply.js'

const walker = new JsonWalker([], 0, MAX_REPLY_DEPTH)

/**
 * The messages of a JSON-RPC batch (2025-03-26 and before), as views of `body`; undefined when it is no array.
 * The elements are checked to be JSON, not to be messages: scan each of them.
 * @throws EnvelopeError `ENVELOPE_PARSE` when the array is not JSON.
 */
export function splitBatch(body: Buffer): readonly Buffer[] | undefined {
  if (!opensWithBracket(body)) return undefined
  walker.reset()
  walker.push(body)
  walker.end()
  if (!isUtf8(body)) throw new EnvelopeError('ENVELOPE_PARSE', 'not UTF-8', 0)
  return viewsOf(body, walker.elements)
}

function opensWithBracket(body: Buffer): boolean {
  let at = 0
  while (at < body.length && JSON_SPACE[body[at] as number] === 1) at++
  return body[at] === OPEN_BRACKET
}

function viewsOf(body: Buffer, edges: readonly number[]): readonly Buffer[] {
  const views: Buffer[] = []
  for (let index = 0; index < edges.length; index += 2) views.push(body.subarray(edges[index], edges[index + 1]))
  return views
}
