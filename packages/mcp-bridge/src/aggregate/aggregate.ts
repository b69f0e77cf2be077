import type {
  ExchangeOptions,
  ServerIdentity,
  Span,
  Upstream,
  UpstreamMessage,
  UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import { replaceSpan, scanEnvelope } from '@mcp-platform/mcp-upstream'
import { LIST_MEMBERS, type ListMethod } from '../catalogue.js'
import { discoverResult } from '../identity.js'
import { asObject } from '../json-edit.js'
import { localError, localResult } from '../local-reply.js'
import { RPC } from '../protocol-error.js'
import type { Sealer } from '../sealer.js'
import { META } from '../versions.js'
import { joinIdentities } from './identity.js'
import { type FollowParts, listenToAll } from './listen.js'
import { listPage, partLists } from './listing.js'
import { aliasOf, exposedName, splitName } from './names.js'
import { ownerOf } from './owners.js'
import type { AggregateDispatch, AggregatePart, OnPartFailed } from './part.js'

export interface AggregateOptions {
  /** The templates that this caller may use; two that would have one alias: the first by name wins. */
  readonly parts: readonly AggregatePart[]
  readonly dispatch: AggregateDispatch
  readonly sealer: Sealer
  /** Who the aggregate says it is. */
  readonly serverInfo: ServerIdentity['serverInfo']
  /** How long one part may take to contribute to a list, in milliseconds. @default 5_000 */
  readonly partMs?: number | undefined
  /** The template that a task lives in, by the id that the client has; undefined for one that is not its own. */
  readonly templateOfTask: (taskId: string) => string | undefined
  /** For open subscriptions: tells when parts come, go, or become known. @default the parts stay as they are */
  readonly follow?: FollowParts | undefined
  readonly onPartFailed: OnPartFailed
}

/** Several servers as one: a modern server without state of its own, for one caller. */
export interface Aggregate extends Upstream {
  readonly era: 'modern'
  readonly identity: ServerIdentity
}

const DEFAULT_PART_MS = 5_000
const ACCEPTED: UpstreamReply = { kind: 'accepted' }

/**
 * Joins templates into one server (MCP.md rule 9): tools and prompts are called `{template}__{name}`, resources keep their
 * URIs, capabilities are the union, lists are joined in the order of the templates' names. Takes messages of 2026 callers;
 * legacy clients use it through {@link bridgeLegacy}.
 */
export function aggregate(options: AggregateOptions): Aggregate {
  const joined = new JoinedServer(options)
  return { era: 'modern', identity: joined.identity, exchange: (message, io) => joined.exchange(message, io) }
}

class JoinedServer {
  readonly identity: ServerIdentity
  readonly #options: AggregateOptions & { readonly partMs: number }
  readonly #byAlias: ReadonlyMap<string, AggregatePart>

  constructor(options: AggregateOptions) {
    this.#byAlias = byAliasOf(options.parts)
    this.#options = { ...options, parts: [...this.#byAlias.values()], partMs: options.partMs ?? DEFAULT_PART_MS }
    this.identity = joinIdentities(options.serverInfo, this.#options.parts, options.follow !== undefined)
  }

  async exchange(message: UpstreamMessage, { signal }: ExchangeOptions): Promise<UpstreamReply> {
    const { method, kind } = message.envelope
    if (kind !== 'request' || method === undefined) return ACCEPTED
    if (isList(method)) return this.#list(method, message, signal)
    switch (method) {
      case 'server/discover':
        return localResult(message, discoverResult(this.identity))
      case 'tools/call':
      case 'prompts/get':
        return this.#named(message, signal)
      case 'resources/read':
        return this.#read(message, signal)
      case 'tasks/get':
      case 'tasks/update':
      case 'tasks/cancel':
        return this.#task(message, signal)
      case 'completion/complete':
        return this.#complete(message, signal)
      case 'subscriptions/listen':
        return listenToAll({ ...this.#options, follow: this.#follow, message, signal })
      default:
        return localError(message, { code: RPC.methodNotFound, message: `${method} is not known here` }, 404)
    }
  }

  readonly #follow: FollowParts = (changed, signal) =>
    this.#options.follow?.((parts) => changed([...byAliasOf(parts).values()]), signal)

  async #list(method: ListMethod, message: UpstreamMessage, signal: AbortSignal): Promise<UpstreamReply> {
    const page = await listPage(method, message.envelope.cursor, signal, this.#options)
    return localResult(message, { ...page, _meta: { [META.serverInfo]: this.identity.serverInfo } })
  }

  async #named(message: UpstreamMessage, signal: AbortSignal): Promise<UpstreamReply> {
    const { method, name, nameSpan } = message.envelope
    const listMethod = method === 'tools/call' ? 'tools/list' : 'prompts/list'
    const found = name === undefined ? undefined : await this.#find(name, listMethod, signal)
    if (!found || !nameSpan) return unknown(message, `there is no "${name}"; names are {template}__{name}`)
    return this.#options.dispatch(found.part.template, withText(message, nameSpan, found.name), { signal })
  }

  async #find(
    exposed: string,
    method: ListMethod,
    signal: AbortSignal,
  ): Promise<{ part: AggregatePart; name: string } | undefined> {
    const split = splitName(exposed)
    const part = split && this.#byAlias.get(split.alias)
    if (!split || !part) return undefined
    if (!split.isCut) return { part, name: split.rest }
    const { lists } = await partLists(method, signal, { ...this.#options, parts: [part] })
    const names = lists.flatMap(({ list }) => [...list.byName.keys()])
    const whole = names.find((name) => exposedName(split.alias, name) === exposed)
    return { part, name: whole ?? split.rest }
  }

  async #read(message: UpstreamMessage, signal: AbortSignal): Promise<UpstreamReply> {
    const { uri } = message.envelope
    const owner = uri === undefined ? undefined : await ownerOf(uri, signal, this.#options)
    if (!owner) return unknown(message, `no server here has the resource "${uri}"`, { uri })
    return this.#options.dispatch(owner.template, message, { signal })
  }

  async #task(message: UpstreamMessage, signal: AbortSignal): Promise<UpstreamReply> {
    const { taskId } = message.envelope
    const template = taskId === undefined ? undefined : this.#options.templateOfTask(taskId)
    const part = this.#options.parts.find((one) => one.template === template)
    if (!part) return unknown(message, 'there is no such task')
    return this.#options.dispatch(part.template, message, { signal })
  }

  async #complete(message: UpstreamMessage, signal: AbortSignal): Promise<UpstreamReply> {
    const whole = asObject(JSON.parse(message.body.toString())) ?? {}
    const params = asObject(whole['params'])
    const ref = asObject(params?.['ref'])
    const { name, uri } = ref ?? {}
    if (typeof uri === 'string') {
      const owner = await this.#templateOwner(uri, signal)
      if (owner) return this.#options.dispatch(owner.template, message, { signal })
    }
    const found = typeof name === 'string' ? await this.#find(name, 'prompts/list', signal) : undefined
    if (!found) return unknown(message, 'params.ref names nothing that is listed here')
    const body = Buffer.from(JSON.stringify({ ...whole, params: { ...params, ref: { ...ref, name: found.name } } }))
    const renamed = { ...message, body, envelope: scanEnvelope(body) }
    return this.#options.dispatch(found.part.template, renamed, { signal })
  }

  // A completion names the URI template itself.
  async #templateOwner(uri: string, signal: AbortSignal): Promise<AggregatePart | undefined> {
    const { lists } = await partLists('resources/templates/list', signal, this.#options)
    const listed = lists.find(({ list }) => list.items.some(({ uriTemplate }) => uriTemplate === uri))
    return listed?.part ?? ownerOf(uri, signal, this.#options)
  }
}

function byAliasOf(parts: readonly AggregatePart[]): ReadonlyMap<string, AggregatePart> {
  const sorted = parts.toSorted((a, b) => (a.template < b.template ? -1 : 1))
  const byAlias = new Map<string, AggregatePart>()
  for (const part of sorted) if (!byAlias.has(aliasOf(part.template))) byAlias.set(aliasOf(part.template), part)
  return byAlias
}

function isList(method: string): method is ListMethod {
  return Object.hasOwn(LIST_MEMBERS, method)
}

function unknown(message: UpstreamMessage, text: string, data?: unknown): UpstreamReply {
  const error = { code: RPC.invalidParams, message: text, ...(data === undefined ? {} : { data }) }
  return localError(message, error, 200)
}

function withText(message: UpstreamMessage, span: Span, text: string): UpstreamMessage {
  const body = replaceSpan(message.body, span, Buffer.from(JSON.stringify(text)))
  return { ...message, body, envelope: scanEnvelope(body) }
}
