import {
  type CatalogueList,
  idToken,
  LIST_MEMBERS,
  type ListMethod,
  type ListPage,
  META,
  ProtocolError,
  RPC,
  type Sealer,
  stripForLegacy,
} from '@mcp-platform/mcp-bridge'
import {
  type Edit,
  replaceSpan,
  scanEnvelope,
  scanReply,
  scanResult,
  spliceMany,
  type UpstreamMessage,
} from '@mcp-platform/mcp-upstream'
import type { GatewayCall, GatewayReply } from './call.js'
import { NoListError } from './lists.js'
import type { Route } from './route.js'
import type { Dispatch } from './tool-headers.js'
import type { VisibleLists } from './visible-lists.js'

type CompleteReply = GatewayReply & { readonly kind: 'complete' }

/** A list that a client is half through stays as it was for this long, in milliseconds. */
const PAGING_MS = 60_000

/** What a cursor of ours stands for: it leads back to the instance, and while it can be to the very list. */
interface Place {
  readonly instanceId: string
  readonly cursor: string
  /** When the list was fetched, on the clock of the process that did; -1: it was not kept. */
  readonly fetchedAt: number
}

/**
 * Answers list requests of MCP clients from the catalogue (MCP.md rule 8), byte for byte but for cursors, which are
 * sealed with their instance, and for what is left of `ttlMs`. Three kinds of request go to a server as they came: those
 * of a legacy session that has a session on the server too (a server may list by session, and nobody says for how long),
 * those that ask for more than the list (progress, log lines), and those with members that nobody here knows.
 */
export class NativeLists {
  readonly #lists: VisibleLists
  readonly #sealer: Sealer

  constructor(lists: VisibleLists, sealer: Sealer) {
    this.#lists = lists
    this.#sealer = sealer
  }

  /** @throws ProtocolError -32602 for a cursor that is not one of this list; else as `dispatch` */
  async answer(call: GatewayCall, route: Route, dispatch: Dispatch): Promise<GatewayReply> {
    const { method, cursor } = call.message.envelope
    if (!isListMethod(method) || hasOwnSession(call)) return dispatch(call, route)
    const place = cursor === undefined ? undefined : this.#open(cursor, method, call)
    if (!isPlain(call.message)) return this.#past(call, method, route, dispatch, place)
    if (!place) return this.#first(call, method)
    const list = this.#lists.known(call, method)
    const page = list && list.fetchedAt === place.fetchedAt ? this.#page(list, place, route) : undefined
    if (!list || !page) return this.#past(call, method, route, dispatch, place)
    return this.#reply(call, method, list, page)
  }

  async #first(call: GatewayCall, method: ListMethod): Promise<GatewayReply> {
    try {
      const list = await this.#lists.asked(call, method)
      const [page] = list.pages
      if (page) return this.#reply(call, method, list, page)
      throw new Error('a list has no page')
    } catch (error) {
      if (!(error instanceof NoListError)) throw error
      return refusal(call, error.reply)
    }
  }

  #page(list: CatalogueList, { instanceId, cursor }: Place, route: Route): ListPage | undefined {
    const isFresh = route.now() - list.fetchedAt < Math.max(list.ttlMs, PAGING_MS)
    if (!isFresh || list.instanceId !== instanceId) return undefined
    return list.pages.find((page) => page.cursor === cursor)
  }

  #reply(call: GatewayCall, method: ListMethod, list: CatalogueList, page: ListPage): CompleteReply {
    call.trace.instanceId ??= list.instanceId
    const place = { instanceId: list.instanceId ?? '', fetchedAt: list.fetchedAt }
    const result = this.#edited(page.result, method, call, place, this.#lists.keepMs(list))
    const head = Buffer.from(`{"jsonrpc":"2.0","id":${idToken(call.message)},"result":`)
    return forCaller(call, Buffer.concat([head, result, CLOSE]))
  }

  // A cursor is the server's own again, and goes to the instance that made it.
  async #past(
    call: GatewayCall,
    method: ListMethod,
    route: Route,
    dispatch: Dispatch,
    place: Place | undefined,
  ): Promise<GatewayReply> {
    const reply = await dispatch(place ? atPlace(call, place, route) : call, route)
    const { instanceId } = call.trace
    if (instanceId === undefined || reply.kind === 'accepted') return reply
    const seal = (json: Buffer): Buffer => this.#sealedIn(json, method, call, instanceId)
    if (reply.kind === 'complete') return complete(seal(reply.json), reply.status)
    return {
      kind: 'stream',
      pipe: (sink) =>
        reply.pipe({
          message(json, envelope) {
            const sealed = envelope.result ? seal(json) : json
            return sink.message(sealed, sealed === json ? envelope : scanReply(sealed))
          },
        }),
      cancel: (reason) => reply.cancel(reason),
    }
  }

  #sealedIn(json: Buffer, method: ListMethod, call: GatewayCall, instanceId: string): Buffer {
    const { result } = scanReply(json)
    if (!result) return json
    const bytes = json.subarray(result.start, result.end)
    const edited = this.#edited(bytes, method, call, { instanceId, fetchedAt: -1 }, undefined)
    return edited === bytes ? json : replaceSpan(json, result, edited)
  }

  #edited(
    result: Buffer,
    method: ListMethod,
    call: GatewayCall,
    place: Omit<Place, 'cursor'>,
    ttlMs: number | undefined,
  ): Buffer {
    const found = scanResult(result)
    const edits: Edit[] = []
    if (found?.nextCursor && found.nextCursorSpan) {
      const { principal, template } = call
      const facts = { method, template, context: principal.id, ...place, cursor: found.nextCursor }
      edits.push({ span: found.nextCursorSpan, bytes: Buffer.from(`"${this.#sealer.seal('cursor', facts)}"`) })
    }
    if (found?.ttlMs && ttlMs !== undefined) edits.push({ span: found.ttlMs, bytes: Buffer.from(String(ttlMs)) })
    return edits.length === 0 ? result : spliceMany(result, edits)
  }

  #open(cursor: string, method: ListMethod, { principal, template }: GatewayCall): Place {
    const sealed = this.#sealer.open('cursor', cursor)
    const facts: Readonly<Record<string, unknown>> = typeof sealed === 'object' ? { ...sealed } : {}
    const { instanceId, cursor: own, fetchedAt } = facts
    const isOurs = facts['method'] === method && facts['template'] === template && facts['context'] === principal.id
    if (isOurs && typeof instanceId === 'string' && typeof own === 'string' && typeof fetchedAt === 'number')
      return { instanceId, cursor: own, fetchedAt }
    throw notOurs()
  }
}

/** True for a request that {@link NativeLists} answers. */
export function isNativeList({ face, message }: GatewayCall): boolean {
  return face === 'native' && isListMethod(message.envelope.method)
}

const CLOSE = Buffer.from('}')

function isListMethod(method: string | undefined): method is ListMethod {
  return method !== undefined && Object.hasOwn(LIST_MEMBERS, method)
}

function hasOwnSession({ caller, pinnedTo }: GatewayCall): boolean {
  return pinnedTo !== undefined || (caller.era === 'legacy' && caller.session.upstream !== undefined)
}

const KNOWN_PARAMS: ReadonlySet<string> = new Set(['cursor', '_meta'])
const KNOWN_META: ReadonlySet<string> = new Set([
  META.protocolVersion,
  META.clientCapabilities,
  META.clientInfo,
  'traceparent',
  'tracestate',
  'baggage',
])

function isPlain({ body, envelope }: UpstreamMessage): boolean {
  if (!envelope.params) return true
  const params: unknown = JSON.parse(body.toString('utf8', envelope.params.start, envelope.params.end))
  if (typeof params !== 'object' || params === null || !Object.keys(params).every((name) => KNOWN_PARAMS.has(name)))
    return false
  const meta = '_meta' in params ? params._meta : undefined
  return typeof meta !== 'object' || meta === null || Object.keys(meta).every((name) => KNOWN_META.has(name))
}

function atPlace(call: GatewayCall, { instanceId, cursor }: Place, route: Route): GatewayCall {
  const { message } = call
  const { cursorSpan } = message.envelope
  if (!cursorSpan || !route.endpoint(instanceId)) throw notOurs()
  const body = replaceSpan(message.body, cursorSpan, Buffer.from(JSON.stringify(cursor)))
  return { ...call, pinnedTo: instanceId, message: { ...message, body, envelope: scanEnvelope(body) } }
}

// Also of an instance that is gone: the client starts with the first page again.
function notOurs(): ProtocolError {
  return new ProtocolError(RPC.invalidParams, 200, 'the cursor is not one of this list; ask for the first page again')
}

// A legacy client would take 404 for a lost session.
function refusal({ message, caller }: GatewayCall, { json, envelope, status }: CompleteReply): CompleteReply {
  const own = envelope.id ? replaceSpan(json, envelope.id, Buffer.from(idToken(message))) : json
  return complete(own, caller.era === 'legacy' ? 200 : status)
}

function forCaller({ caller }: GatewayCall, json: Buffer): CompleteReply {
  return complete(caller.era === 'legacy' ? stripForLegacy(json, scanReply(json)) : json, 200)
}

function complete(json: Buffer, status: number): CompleteReply {
  return { kind: 'complete', json, envelope: scanReply(json), status }
}
