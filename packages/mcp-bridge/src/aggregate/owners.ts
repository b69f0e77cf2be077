import { asObject } from '../json-edit.js'
import { type ListingOptions, partLists } from './listing.js'
import { type AggregatePart, offers } from './part.js'

/** Who owns what changes rarely, and a wrong guess is only a "not found" of that server. */
const MAX_AGE_MS = 60_000

/**
 * The part whose server has a resource: the first, in name order, that lists it, has a matching URI template, or names it
 * as the page of a tool. URIs are not prefixed, so that links between results and resources stay valid.
 */
export async function ownerOf(
  uri: string,
  signal: AbortSignal,
  options: Omit<ListingOptions, 'sealer'>,
): Promise<AggregatePart | undefined> {
  const able = options.parts.filter((part) => offers(part, 'resources'))
  if (able.length < 2) return able[0]
  const narrowed = { ...options, parts: able }
  const { lists } = await partLists('resources/list', signal, narrowed, MAX_AGE_MS)
  const listed = lists.find(({ list }) => list.byName.has(uri))
  if (listed) return listed.part
  const templates = await partLists('resources/templates/list', signal, narrowed, MAX_AGE_MS)
  const matching = templates.lists.find(({ list }) => list.items.some(({ uriTemplate }) => matches(uriTemplate, uri)))
  if (matching) return matching.part
  const tools = await partLists('tools/list', signal, options, MAX_AGE_MS)
  return tools.lists.find(({ list }) => list.items.some((tool) => pageOf(tool) === uri))?.part
}

// `_meta.ui.resourceUri` (SEP-1865): the page that shows a tool need not be listed.
function pageOf(tool: Readonly<Record<string, unknown>>): unknown {
  return asObject(asObject(tool['_meta'])?.['ui'])?.['resourceUri']
}

/** Whether a URI template (RFC 6570) can yield the URI. Expressions match what they could expand to, roughly. */
export function matches(uriTemplate: unknown, uri: string): boolean {
  if (typeof uriTemplate !== 'string' || uriTemplate.length > 2_000 || uri.length > 8_000) return false
  const parts = uriTemplate.split(/\{([^{}]*)\}/)
  const pattern = parts.map((part, at) => (at % 2 === 0 ? escaped(part) : expression(part))).join('')
  return new RegExp(`^${pattern}$`).test(uri)
}

function expression(text: string): string {
  if (text.startsWith('?') || text.startsWith('&')) return '(?:[?&][^#]*)?'
  if (text.startsWith('+') || text.startsWith('#') || text.startsWith('/') || text.endsWith('*')) return '.*'
  return '[^/?#]+'
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
