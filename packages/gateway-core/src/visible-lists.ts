import type { Principal } from '@mcp-platform/auth'
import { type CatalogueList, ListCatalogue, type ListItem, type ListMethod } from '@mcp-platform/mcp-bridge'
import { type AskedKey, type Asker, askerOf, contextOf, plainAsker } from './asker.js'
import type { Authorizer, Origin } from './authorizer.js'
import type { GatewayCall } from './call.js'
import { GatewayError } from './errors.js'
import { fetchList, NoListError } from './lists.js'
import { requiredScope } from './methods.js'
import type { Route } from './route.js'
import type { RouteTable } from './route-table.js'

/** A tool look-up accepts a list of this age, in milliseconds (HTTP-API.md, tools/call). */
const LOOK_UP_MAX_AGE_MS = 60_000

export interface ListRequest {
  readonly template: string
  readonly method: ListMethod
  readonly principal: Principal
  readonly signal: AbortSignal
  /** The list may be this old although its time has run out, in milliseconds. @default 0 */
  readonly maxAgeMs?: number | undefined
  /** Which request asks, for the record of a refusal. */
  readonly from?: Origin | undefined
  /** Who asks, in protocol terms. @default a caller without capabilities */
  readonly asker?: Asker | undefined
}

/**
 * The catalogue as callers see it: what a principal may not call is not listed, and what is not listed does not exist.
 * Lists are kept per principal and what its client declared; who asks first is the one who fetches.
 */
export class VisibleLists {
  readonly #catalogue: ListCatalogue<AskedKey>
  readonly #authorizer: Authorizer
  readonly #now: () => number
  readonly #onChanged: ((template: string) => void) | undefined

  constructor(options: {
    routes: RouteTable
    authorizer: Authorizer
    now: () => number
    /** A list of a template was forgotten because it is said to have changed. */
    onChanged?: ((template: string) => void) | undefined
  }) {
    this.#authorizer = options.authorizer
    this.#now = options.now
    this.#onChanged = options.onChanged
    this.#catalogue = new ListCatalogue({
      now: options.now,
      fetch: (key, signal) => fetchList(options.routes.require(key.template), key, signal),
      // An error that the server answers is its answer, not its failure.
      mayStandIn: (error) => !(error instanceof NoListError),
    })
  }

  /** @throws GatewayError FORBIDDEN, TEMPLATE_NOT_FOUND, and as any call */
  async visible(request: ListRequest): Promise<CatalogueList> {
    const { template, method, principal, from } = request
    this.#authorizer.require(principal, { scope: requiredScope(method), template }, from)
    const { signal, maxAgeMs, asker = plainAsker(principal) } = request
    const list = await this.#catalogue.get({ template, method, context: contextOf(asker), asker }, { signal, maxAgeMs })
    if (method !== 'tools/list') return list
    return { ...list, items: list.items.filter((tool) => this.#mayCall(principal, template, tool)) }
  }

  /** The list for an MCP client whose call was authorised already; its tools are not filtered yet. */
  asked(call: GatewayCall, method: ListMethod): Promise<CatalogueList> {
    return this.#catalogue.get(keyOf(call, method), { signal: call.signal })
  }

  /** The same list as it was given last, however old. */
  known(call: GatewayCall, method: ListMethod): CatalogueList | undefined {
    return this.#catalogue.peek(keyOf(call, method))
  }

  /** How long the list may still be kept, in whole milliseconds. */
  keepMs({ fetchedAt, ttlMs, stale }: CatalogueList): number {
    return stale ? 0 : Math.max(0, Math.floor(fetchedAt + ttlMs - this.#now()))
  }

  /** The tool that a call names, as the template's list had it last, without asking anybody. */
  tool(call: GatewayCall): ListItem | undefined {
    const { name } = call.message.envelope
    return name === undefined ? undefined : this.#catalogue.peek(this.#lookUpKey(call))?.byName.get(name)
  }

  /**
   * Refuses a call of a tool that is missing from a list at most 60 s old and still missing after one refresh.
   * A template whose list cannot be read is left to answer for itself.
   * @throws GatewayError TOOL_NOT_FOUND
   */
  requireTool(call: GatewayCall, route: Route): void | Promise<void> {
    const { method, name } = call.message.envelope
    if (call.face !== 'rest' || method !== 'tools/call' || name === undefined) return undefined
    // The list is that of one instance; the call goes to another.
    if (route.toolSets.differ && route.toolSets.isListed(name)) return undefined
    const key = this.#lookUpKey(call)
    const known = this.#catalogue.peek(key)
    if (known?.byName.has(name) && route.now() - known.fetchedAt < LOOK_UP_MAX_AGE_MS) return undefined
    return this.#lookUp(key, name, call, route)
  }

  /**
   * The tool from a list at most 60 s old; `fresh` asks the server now. Undefined when it is not listed, or when the list
   * cannot be read: then the server answers for itself.
   */
  find(
    call: GatewayCall,
    route: Route,
    { fresh }: { fresh: boolean },
  ): ListItem | undefined | Promise<ListItem | undefined> {
    const name = call.message.envelope.name ?? ''
    const key = this.#lookUpKey(call)
    const known = this.#catalogue.peek(key)
    if (!fresh && known && route.now() - known.fetchedAt < LOOK_UP_MAX_AGE_MS) return known.byName.get(name)
    return this.#findAsking(key, name, call, route, fresh)
  }

  /** Forgets what a template offers: its list has changed, or the template is gone. */
  invalidate(template: string, method?: ListMethod): void {
    this.#catalogue.invalidate(template, method)
    if (method === 'tools/list') this.#onChanged?.(template)
  }

  async #findAsking(
    key: AskedKey,
    name: string,
    call: GatewayCall,
    route: Route,
    fresh: boolean,
  ): Promise<ListItem | undefined> {
    try {
      const list = fresh
        ? await this.#catalogue.refresh(key, call.signal)
        : await this.#catalogue.get(key, { signal: call.signal, maxAgeMs: LOOK_UP_MAX_AGE_MS })
      return list.byName.get(name)
    } catch (error) {
      if (call.signal.aborted) throw error
      route.onEvent({ type: 'list-failed', template: route.template, method: key.method, error })
      return undefined
    }
  }

  async #lookUp(key: AskedKey, name: string, call: GatewayCall, route: Route): Promise<void> {
    const options = { signal: call.signal, maxAgeMs: LOOK_UP_MAX_AGE_MS }
    try {
      const list = await this.#catalogue.get(key, options)
      if (list.byName.has(name)) return
      const fresh = await this.#catalogue.refresh(key, call.signal)
      if (fresh.byName.has(name)) return
    } catch (error) {
      if (call.signal.aborted || isUnavailable(error)) throw error
      route.onEvent({ type: 'list-failed', template: route.template, method: key.method, error })
      return
    }
    throw new GatewayError('TOOL_NOT_FOUND', `template "${route.template}" has no tool "${name}"`, {
      template: route.template,
      executed: 'no',
    })
  }

  // The caller's own list where it was asked for already. Else the one that all callers of a principal share: to have the
  // list of each client's capabilities first would start a child for it, before the one for the call.
  #lookUpKey(call: GatewayCall): AskedKey {
    const own = keyOf(call, 'tools/list')
    if (this.#catalogue.peek(own)) return own
    const asker = plainAsker(call.principal)
    return { template: call.template, method: 'tools/list', context: contextOf(asker), asker }
  }

  #mayCall(principal: Principal, template: string, tool: ListItem): boolean {
    const name = tool['name']
    return typeof name === 'string' && this.#authorizer.allows(principal, { scope: 'tools:call', template, tool: name })
  }
}

function keyOf(call: GatewayCall, method: ListMethod): AskedKey {
  const asker = askerOf(call)
  const origin = call.message.envelope.method === method ? call : undefined
  return { template: call.template, method, context: contextOf(asker), asker, origin }
}

// Then the call itself would fail in the same way, and its error says more than a missing list.
function isUnavailable(error: unknown): boolean {
  return (
    error instanceof GatewayError && (error.code === 'NO_INSTANCE_AVAILABLE' || error.code === 'TEMPLATE_NOT_FOUND')
  )
}
