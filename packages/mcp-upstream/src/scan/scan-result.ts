import type { Span } from '../envelope.js'
import { FieldTable } from './field-table.js'
import { JsonWalker, KIND } from './json-walker.js'
import { MAX_REPLY_DEPTH } from './scan-reply.js'

/** What a bridge looks for in a result object. Spans point into the bytes that were scanned. */
export interface ResultEnvelope {
  readonly resultType: string | undefined
  readonly resultTypeSpan: Span | undefined
  readonly ttlMs: Span | undefined
  readonly cacheScope: Span | undefined
  readonly meta: Span | undefined
  /** `_meta["io.modelcontextprotocol/serverInfo"]` */
  readonly serverInfo: Span | undefined
  readonly inputRequests: Span | undefined
  readonly requestState: string | undefined
  readonly requestStateSpan: Span | undefined
  readonly nextCursor: string | undefined
  readonly nextCursorSpan: Span | undefined
  /** Of a task; notifications about tasks have it in the same place of their params. */
  readonly taskId: string | undefined
  readonly taskIdSpan: Span | undefined
}

const AT = {
  resultType: 0,
  ttlMs: 1,
  cacheScope: 2,
  meta: 3,
  serverInfo: 4,
  inputRequests: 5,
  requestState: 6,
  nextCursor: 7,
  taskId: 8,
} as const
const SLOTS = 9

const RESULT = new FieldTable([
  { name: 'resultType', slot: AT.resultType, text: true },
  { name: 'ttlMs', slot: AT.ttlMs },
  { name: 'cacheScope', slot: AT.cacheScope },
  { name: '_meta', slot: AT.meta, opens: 1 },
  { name: 'inputRequests', slot: AT.inputRequests },
  { name: 'requestState', slot: AT.requestState, text: true },
  { name: 'nextCursor', slot: AT.nextCursor, text: true },
  { name: 'taskId', slot: AT.taskId, text: true },
])
const META = new FieldTable([{ name: 'io.modelcontextprotocol/serverInfo', slot: AT.serverInfo }])

// One walker serves every result: scanning is synchronous.
const walker = new JsonWalker([RESULT, META], SLOTS, MAX_REPLY_DEPTH)

/**
 * Finds the members of a result that mean something to the protocol and not to the tool.
 * Undefined for a result that is no object, or that holds one of them twice: such a result is passed on as it is.
 */
export function scanResult(result: Buffer): ResultEnvelope | undefined {
  try {
    walker.reset()
    walker.push(result)
    walker.end()
  } catch {
    // The message around it was valid JSON, so what fails here is a doubled member: nothing a bridge should touch.
    return undefined
  }
  return {
    resultType: walker.text(AT.resultType),
    resultTypeSpan: span(AT.resultType),
    ttlMs: span(AT.ttlMs),
    cacheScope: span(AT.cacheScope),
    meta: span(AT.meta),
    serverInfo: span(AT.serverInfo),
    inputRequests: span(AT.inputRequests),
    requestState: walker.text(AT.requestState),
    requestStateSpan: span(AT.requestState),
    nextCursor: walker.text(AT.nextCursor),
    nextCursorSpan: span(AT.nextCursor),
    taskId: walker.text(AT.taskId),
    taskIdSpan: span(AT.taskId),
  }
}

function span(slot: number): Span | undefined {
  return walker.kind(slot) === KIND.absent ? undefined : { start: walker.start(slot), end: walker.endOf(slot) }
}
