import { isUtf8 } from 'node:buffer'
import type { ReplyEnvelope, Span } from '../envelope.js'
import { EnvelopeError } from '../errors.js'
import { FieldTable } from './field-table.js'
import { JsonWalker, KIND } from './json-walker.js'
import { Utf8Check } from './utf8-check.js'

/** Deepest nesting in a message from a server: results are data of any shape, but a stack must end somewhere. */
export const MAX_REPLY_DEPTH = 1_024

const AT = { jsonrpc: 0, id: 1, method: 2, params: 3, result: 4, error: 5, progressToken: 6 } as const
const SLOTS = 7

const MESSAGE = new FieldTable([
  { name: 'jsonrpc', slot: AT.jsonrpc, text: true },
  { name: 'id', slot: AT.id },
  { name: 'method', slot: AT.method, text: true },
  { name: 'params', slot: AT.params, opens: 1 },
  { name: 'result', slot: AT.result },
  { name: 'error', slot: AT.error },
])
const PARAMS = new FieldTable([{ name: 'progressToken', slot: AT.progressToken }])

function newWalker(): JsonWalker {
  return new JsonWalker([MESSAGE, PARAMS], SLOTS, MAX_REPLY_DEPTH)
}

// One walker serves every whole reply: scanning is synchronous.
const shared = newWalker()

/**
 * Finds the envelope of one JSON-RPC message from a server, whole in memory.
 * The id is undefined when it is absent or null, which only an error response may have.
 * @throws EnvelopeError as `scanEnvelope` does.
 */
export function scanReply(body: Buffer): ReplyEnvelope {
  shared.reset()
  shared.push(body)
  shared.end()
  if (!isUtf8(body)) throw new EnvelopeError('ENVELOPE_PARSE', 'not UTF-8', 0)
  return build(shared)
}

/**
 * Does what {@link scanReply} does for a message that comes in chunks, so that megabytes never hold up the event loop.
 * Spans count from the first byte of the first chunk. For one message; make another for the next.
 */
export class ReplyScanner {
  readonly #walker: JsonWalker = newWalker()
  readonly #utf8: Utf8Check = new Utf8Check()

  /** Takes the next bytes; keeps none of them. @throws EnvelopeError at the first byte that cannot be right. */
  push(chunk: Buffer): void {
    this.#walker.push(chunk)
    this.#utf8.push(chunk)
  }

  /** @throws EnvelopeError if the message is not whole or no JSON-RPC message. */
  end(): ReplyEnvelope {
    this.#walker.end()
    this.#utf8.end()
    return build(this.#walker)
  }
}

function build(walker: JsonWalker): ReplyEnvelope {
  if (walker.text(AT.jsonrpc) !== '2.0') invalid('jsonrpc must be "2.0"')
  const kind = kindOf(walker)
  checkShapes(walker, kind)
  return {
    kind,
    id: walker.kind(AT.id) === KIND.nothing ? undefined : span(walker, AT.id),
    method: walker.text(AT.method),
    params: span(walker, AT.params),
    result: span(walker, AT.result),
    error: span(walker, AT.error),
    progressToken: walker.text(AT.method) === 'notifications/progress' ? span(walker, AT.progressToken) : undefined,
  }
}

function kindOf(walker: JsonWalker): ReplyEnvelope['kind'] {
  const answers = Number(has(walker, AT.result)) + Number(has(walker, AT.error))
  if (has(walker, AT.method)) {
    if (answers > 0) invalid('a message has either a method or an answer')
    return has(walker, AT.id) ? 'request' : 'notification'
  }
  if (answers !== 1) invalid('neither a request nor a response')
  return 'response'
}

function checkShapes(walker: JsonWalker, kind: ReplyEnvelope['kind']): void {
  const id = walker.kind(AT.id)
  const named = id === KIND.string || id === KIND.integer
  if (kind === 'request' && !named) invalid('id must be a string or an integer')
  if (kind !== 'response') {
    if (walker.kind(AT.method) !== KIND.string) invalid('method must be a string')
    return
  }
  const anonymous = (id === KIND.absent || id === KIND.nothing) && has(walker, AT.error)
  if (!named && !anonymous) invalid('id must be a string or an integer')
  if (has(walker, AT.error) && walker.kind(AT.error) !== KIND.object) invalid('error must be an object')
}

function has(walker: JsonWalker, slot: number): boolean {
  return walker.kind(slot) !== KIND.absent
}

function span(walker: JsonWalker, slot: number): Span | undefined {
  return has(walker, slot) ? { start: walker.start(slot), end: walker.endOf(slot) } : undefined
}

function invalid(detail: string): never {
  throw new EnvelopeError('ENVELOPE_INVALID', detail, 0)
}
