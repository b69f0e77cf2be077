import type { Principal } from '@mcp-platform/auth'
import { type FetchedList, LIST_MEMBERS, type ListItem, type ListKey } from '@mcp-platform/mcp-bridge'
import { scanEnvelope } from '@mcp-platform/mcp-upstream'
import { type GatewayCall, newTrace } from './call.js'
import { GatewayError } from './errors.js'
import { dispatch } from './failover.js'
import { plainCaller } from './plain-caller.js'
import type { Route } from './route.js'
import { upstreamError } from './upstream-error.js'

/** Items kept of one list; a server that offers more is cut, loudly. */
const MAX_ITEMS = 10_000
/** A list whose instance fails between two pages is read again from the start, this often. */
const MAX_RESTARTS = 2

/**
 * Reads all pages of one list from one instance, because cursors and order belong to the instance that made them.
 * @throws GatewayError as any call; UPSTREAM_BAD_ANSWER for a result that is no list
 */
export async function fetchList(
  route: Route,
  key: ListKey,
  principal: Principal,
  signal: AbortSignal,
): Promise<FetchedList> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await allPages(route, key, principal, signal)
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

async function allPages(route: Route, key: ListKey, principal: Principal, signal: AbortSignal): Promise<FetchedList> {
  const items: ListItem[] = []
  let cursor: string | undefined
  let instanceId: string | undefined
  let ttlMs = Number.POSITIVE_INFINITY
  let scope: FetchedList['scope'] = 'public'
  do {
    const call = pageCall(route, key, principal, signal, cursor, instanceId)
    const page = await readPage(call, route, key)
    instanceId = call.trace.instanceId
    items.push(...page.items)
    ttlMs = Math.min(ttlMs, page.ttlMs)
    if (page.scope === 'private') scope = 'private'
    cursor = page.nextCursor
  } while (cursor !== undefined && items.length < MAX_ITEMS)
  return { items: items.slice(0, MAX_ITEMS), ttlMs, scope }
}

interface Page extends FetchedList {
  readonly nextCursor: string | undefined
}

async function readPage(call: GatewayCall, route: Route, key: ListKey): Promise<Page> {
  try {
    const reply = await dispatch(call, route)
    if (reply.kind !== 'complete') throw badList(key, 'it is a stream')
    const { result, error } = reply.envelope
    if (error) throw upstreamError(reply.json, error, call)
    if (!result) throw badList(key, 'it has no result')
    return parsePage(JSON.parse(reply.json.toString('utf8', result.start, result.end)), key)
  } catch (error) {
    if (call.pinnedTo === undefined) throw error
    throw new PageFailedError('a later page failed', { cause: error })
  }
}

function parsePage(result: unknown, key: ListKey): Page {
  if (typeof result !== 'object' || result === null) throw badList(key, 'the result is no object')
  const members: Readonly<Record<string, unknown>> = { ...result }
  const items = members[LIST_MEMBERS[key.method]]
  if (!Array.isArray(items)) throw badList(key, `the result has no array "${LIST_MEMBERS[key.method]}"`)
  const { nextCursor, ttlMs, cacheScope } = members
  return {
    items: items.filter(isItem),
    nextCursor: typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : undefined,
    ttlMs: typeof ttlMs === 'number' && ttlMs >= 0 ? ttlMs : 0,
    scope: cacheScope === 'public' ? 'public' : 'private',
  }
}

function isItem(item: unknown): item is ListItem {
  return typeof item === 'object' && item !== null && !Array.isArray(item)
}

function badList(key: ListKey, why: string): GatewayError {
  return new GatewayError('UPSTREAM_BAD_ANSWER', `the answer to ${key.method} on ${key.template} is unusable: ${why}`, {
    template: key.template,
  })
}

function pageCall(
  route: Route,
  key: ListKey,
  principal: Principal,
  signal: AbortSignal,
  cursor: string | undefined,
  pinnedTo: string | undefined,
): GatewayCall {
  const params = cursor === undefined ? {} : { params: { cursor } }
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: key.method, ...params }))
  return {
    requestId: `list-${key.template}`,
    face: 'rest',
    template: route.template,
    principal,
    message: { body, envelope: scanEnvelope(body) },
    caller: plainCaller(principal),
    signal,
    header: () => undefined,
    pinnedTo,
    trace: newTrace(),
  }
}
