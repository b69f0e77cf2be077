import { LIST_MEMBERS, type ListItem, type ListMethod } from '../catalogue.js'
import { asObject } from '../json-edit.js'
import type { JsonObject } from '../json-object.js'
import { ProtocolError, RPC } from '../protocol-error.js'
import type { Sealer } from '../sealer.js'
import { aliasOf, exposedName } from './names.js'
import { type AggregatePart, type OnPartFailed, offers, type PartItems, PartUnknownError } from './part.js'

/** Items of one page. */
const PAGE_ITEMS = 1_000
/** A part's list may be this old: legacy servers allow no keeping at all, and a client asks for everything at once. */
const MAX_AGE_MS = 10_000
/** The list is asked for again soon while a part is missing from it, in milliseconds. */
const INCOMPLETE_TTL_MS = 1_000

const CAPABILITY: Readonly<Record<ListMethod, string>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resources',
}

export interface ListingOptions {
  readonly parts: readonly AggregatePart[]
  readonly sealer: Sealer
  /** How long one part may take, in milliseconds; a slower one is left out. */
  readonly partMs: number
  readonly onPartFailed: OnPartFailed
}

interface PartList {
  readonly part: AggregatePart
  readonly list: PartItems
}

/**
 * One page of a list over all parts: templates by name, each in its server's order. A part that is down or too slow is
 * left out and reported; the list as a whole does not fail.
 * @throws ProtocolError -32602 for a cursor that is not ours
 */
export async function listPage(
  method: ListMethod,
  cursor: string | undefined,
  signal: AbortSignal,
  options: ListingOptions,
): Promise<JsonObject> {
  const from = cursor === undefined ? { template: '', offset: 0 } : openCursor(cursor, method, options.sealer)
  const { lists, isComplete } = await partLists(method, signal, options)
  const { items, next } = pageOf(method, lists, from)
  return {
    resultType: 'complete',
    [LIST_MEMBERS[method]]: items,
    ...(next ? { nextCursor: options.sealer.seal('cursor', { method, ...next }) } : {}),
    ttlMs: ttlOf(lists, isComplete),
    // What a caller sees depends on what it may call.
    cacheScope: 'private',
  }
}

/** The lists of all parts that offer one, fetched side by side; those that fail are reported and missing. */
export async function partLists(
  method: ListMethod,
  signal: AbortSignal,
  { parts, partMs, onPartFailed }: Omit<ListingOptions, 'sealer'>,
  maxAgeMs: number = MAX_AGE_MS,
): Promise<{ lists: readonly PartList[]; isComplete: boolean }> {
  for (const { template, identity } of parts) {
    // Asking now would make everybody wait for a server that no probe has reached.
    if (!identity) onPartFailed({ template, method, error: new PartUnknownError(template) })
  }
  const able = parts.filter((part) => offers(part, CAPABILITY[method]))
  const fetch = async (part: AggregatePart): Promise<readonly PartList[]> => {
    try {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(partMs)])
      return [{ part, list: await part.list(method, { signal: bounded, maxAgeMs }) }]
    } catch (error) {
      signal.throwIfAborted()
      onPartFailed({ template: part.template, method, error })
      return []
    }
  }
  const lists = (await Promise.all(able.map(fetch))).flat()
  return { lists, isComplete: lists.length === able.length && parts.every(({ identity }) => identity !== undefined) }
}

interface Place {
  readonly template: string
  readonly offset: number
}

function pageOf(
  method: ListMethod,
  lists: readonly PartList[],
  from: Place,
): { items: readonly ListItem[]; next: Place | undefined } {
  const items: ListItem[] = []
  for (const { part, list } of lists) {
    if (part.template < from.template) continue
    const offset = part.template === from.template ? from.offset : 0
    const room = PAGE_ITEMS - items.length
    for (const item of list.items.slice(offset, offset + room)) items.push(exposed(method, part, item))
    if (list.items.length > offset + room) return { items, next: { template: part.template, offset: offset + room } }
  }
  return { items, next: undefined }
}

function exposed(method: ListMethod, { template }: AggregatePart, item: ListItem): ListItem {
  const name = item['name']
  const isNamed = (method === 'tools/list' || method === 'prompts/list') && typeof name === 'string'
  return isNamed ? { ...item, name: exposedName(aliasOf(template), name) } : item
}

function ttlOf(lists: readonly PartList[], isComplete: boolean): number {
  const ttlMs = Math.min(...lists.map(({ list }) => list.ttlMs))
  const known = Number.isFinite(ttlMs) ? ttlMs : 0
  return isComplete ? known : Math.min(known, INCOMPLETE_TTL_MS)
}

function openCursor(cursor: string, method: ListMethod, sealer: Sealer): Place {
  const { method: sealedFor, template, offset } = asObject(sealer.open('cursor', cursor)) ?? {}
  if (sealedFor === method && typeof template === 'string' && typeof offset === 'number') return { template, offset }
  throw new ProtocolError(RPC.invalidParams, 200, 'the cursor is not one of this list')
}
