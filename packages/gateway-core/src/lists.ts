import { type FetchedList, LIST_MEMBERS, type ListItem, type ListPage } from '@mcp-platform/mcp-bridge'
import { scanEnvelope } from '@mcp-platform/mcp-upstream'
import { type AskedKey, callerOf, envelopeOf } from './asker.js'
import { type GatewayCall, type GatewayReply, newTrace } from './call.js'
import { GatewayError } from './errors.js'
import { dispatch } from './failover.js'
import type { Route } from './route.js'
import { upstreamError } from './upstream-error.js'

/** Items kept of one list; a server that offers more is cut, loudly. */
const MAX_ITEMS = 10_000
/** Pages read of one list: a server may hand out cursors for ever. */
const MAX_PAGES = 1_000
/** A list whose instance fails between two pages is read again from the start, this often. */
const MAX_RESTARTS = 2

type CompleteReply = GatewayReply & { readonly kind: 'complete' }

/** The server's answer to a list request is an error, or no list: whoever speaks MCP gets `reply` as it came. */
export class NoListError extends GatewayError {
  readonly reply: CompleteReply

  constructor({ code, message, facts }: GatewayError, reply: CompleteReply) {
    super(code, message, facts)
    this.reply = reply
  }
}

/**
 * Reads all pages of one list from one instance, because cursors and order belong to the instance that made them.
 * @throws GatewayError as any call; NoListError for an answer that is no list
 */
export async function fetchList(route: Route, key: AskedKey, signal: AbortSignal): Promise<FetchedList> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await allPages(route, key, signal)
    } catch (error) {
      const again = error instanceof PageFailedError && restarts < MAX_RESTARTS && !signal.aborted
      if (!again) throw error instanceof PageFailedError ? error.cause : error
    }
  }
}

// A page after the first failed: the list as a whole can still succeed elsewhere.
class PageFailedError extends Error {
  override readonly name = 'PageFailedError'
}

async function allPages(route: Route, key: AskedKey, signal: AbortSignal): Promise<FetchedList> {
  const items: ListItem[] = []
  const pages: ListPage[] = []
  const asked = new Set<string | undefined>()
  let cursor: string | undefined
  let instanceId: string | undefined
  let ttlMs = Number.POSITIVE_INFINITY
  let scope: FetchedList['scope'] = 'public'
  do {
    asked.add(cursor)
    const call = pageCall(route, key, signal, cursor, instanceId)
    const page = await readPage(call, route, key)
    instanceId = call.trace.instanceId
    items.push(...page.items)
    pages.push({ cursor, result: page.result })
    ttlMs = Math.min(ttlMs, page.ttlMs)
    if (page.scope === 'private') scope = 'private'
    cursor = page.nextCursor
  } while (cursor !== undefined && items.length < MAX_ITEMS && pages.length < MAX_PAGES && !asked.has(cursor))
  return { items: items.slice(0, MAX_ITEMS), pages, instanceId, ttlMs, scope }
}

interface Page extends Omit<FetchedList, 'pages' | 'instanceId'> {
  readonly nextCursor: string | undefined
  readonly result: Buffer
}

async function readPage(call: GatewayCall, route: Route, key: AskedKey): Promise<Page> {
  try {
    const reply = await wholeOf(await dispatch(call, route), key)
    const { result, error } = reply.envelope
    if (error) throw new NoListError(upstreamError(reply.json, error, call), reply)
    if (!result) throw new NoListError(badList(key, 'it has no result'), reply)
    return parsePage(reply, Buffer.from(reply.json.subarray(result.start, result.end)), key)
  } catch (error) {
    if (call.pinnedTo === undefined) throw error
    throw new PageFailedError('a later page failed', { cause: error })
  }
}

// What a server says besides the list (log lines) was asked for by nobody: who wants that asks past the catalogue.
async function wholeOf(reply: GatewayReply, key: AskedKey): Promise<CompleteReply> {
  if (reply.kind === 'complete') return reply
  let whole: CompleteReply | undefined
  if (reply.kind === 'stream') {
    await reply.pipe({
      message(json, envelope) {
        if (envelope.kind === 'response') whole = { kind: 'complete', json, envelope, status: 200 }
      },
    })
  }
  if (!whole) throw badList(key, 'there is none')
  return whole
}

function parsePage(reply: CompleteReply, bytes: Buffer, key: AskedKey): Page {
  const result: unknown = JSON.parse(bytes.toString())
  if (typeof result !== 'object' || result === null)
    throw new NoListError(badList(key, 'the result is no object'), reply)
  const members: Readonly<Record<string, unknown>> = { ...result }
  const items = members[LIST_MEMBERS[key.method]]
  if (!Array.isArray(items))
    throw new NoListError(badList(key, `the result has no array "${LIST_MEMBERS[key.method]}"`), reply)
  const { nextCursor, ttlMs, cacheScope } = members
  return {
    items: items.filter(isItem),
    result: bytes,
    nextCursor: typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : undefined,
    ttlMs: typeof ttlMs === 'number' && ttlMs >= 0 ? ttlMs : 0,
    scope: cacheScope === 'public' ? 'public' : 'private',
  }
}

function isItem(item: unknown): item is ListItem {
  return typeof item === 'object' && item !== null && !Array.isArray(item)
}

function badList(key: AskedKey, why: string): GatewayError {
  return new GatewayError('UPSTREAM_BAD_ANSWER', `the answer to ${key.method} on ${key.template} is unusable: ${why}`, {
    template: key.template,
  })
}

function pageCall(
  route: Route,
  key: AskedKey,
  signal: AbortSignal,
  cursor: string | undefined,
  pinnedTo: string | undefined,
): GatewayCall {
  const { asker, origin, template, method } = key
  const params = { ...(cursor === undefined ? {} : { cursor }), _meta: envelopeOf(asker) }
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  return {
    requestId: origin?.requestId ?? `list-${template}`,
    face: origin?.face ?? 'rest',
    template: route.template,
    principal: asker.principal,
    message: { body, envelope: scanEnvelope(body), headers: origin?.message.headers },
    caller: callerOf(asker),
    signal,
    header: origin?.header ?? (() => undefined),
    pinnedTo,
    // Failover of the first page is the caller's to know.
    trace: (cursor === undefined ? origin?.trace : undefined) ?? newTrace(),
  }
}
