import { bridge, LIST_MEMBERS, type ListItem, type PlainCaller } from '@mcp-platform/mcp-bridge'
import { OWN_CONTEXT, scanEnvelope, type UpstreamReply } from '@mcp-platform/mcp-upstream'
import type { GatewayObserver } from './events.js'
import { GATEWAY_CLIENT } from './plain-caller.js'
import type { Route } from './route.js'
import type { RouteEndpoint } from './route-endpoints.js'
import type { RouteTable } from './route-table.js'
import { toolSetOf } from './tool-sets.js'

/** Time between two looks at which instances are to be asked, in milliseconds; a look costs no request. */
const LOOK_MS = 1_000
/** A server over HTTP may be deployed anew without a word: it is asked again after this long, in milliseconds. */
const DEFAULT_RECHECK_MS = 5 * 60_000
/** One that could not be read, in milliseconds. */
const RETRY_MS = 60_000
const READ_MS = 10_000
const MAX_PAGES = 100

export interface ToolSetWatchOptions {
  readonly routes: RouteTable
  /** Time between two checks of an instance over HTTP, in milliseconds. @default 5 min */
  readonly recheckMs?: number | undefined
  readonly now: () => number
  readonly onEvent: GatewayObserver
}

interface Check {
  readonly generation: number
  dueAt: number
}

/**
 * Asks the instances of each template that has several for their tools, in the gateway's own name and past the balancer:
 * once they are available, again after they were not, after `list_changed`, and over HTTP now and then. A child is asked
 * only once in its life, unless it speaks up: it would be kept alive by the question.
 */
export class ToolSetWatch {
  readonly #options: ToolSetWatchOptions
  readonly #recheckMs: number
  readonly #checks = new Map<string, Map<string, Check>>()
  readonly #stop = new AbortController()
  readonly #busy = new Map<Route, Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  /** @throws RangeError for a time that is none */
  constructor(options: ToolSetWatchOptions) {
    this.#options = options
    this.#recheckMs = options.recheckMs ?? DEFAULT_RECHECK_MS
    if (!(this.#recheckMs > 0)) throw new RangeError(`gateway: toolCheckMs must be > 0, got ${this.#recheckMs}`)
  }

  start(): void {
    this.#look()
    this.#timer = setInterval(() => this.#look(), Math.min(LOOK_MS, this.#recheckMs)).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the gateway is shutting down'))
    await Promise.all(this.#busy.values())
  }

  /** The tools of a template have changed: all its instances are asked again. */
  expire(template: string): void {
    for (const check of this.#checks.get(template)?.values() ?? []) check.dueAt = 0
  }

  #look(): void {
    const routes = this.#options.routes.all()
    const names = new Set(routes.map(({ template }) => template))
    for (const name of this.#checks.keys()) if (!names.has(name)) this.#checks.delete(name)
    for (const route of routes) {
      if (this.#busy.has(route)) continue
      const due = this.#due(route)
      if (due.length === 0) continue
      this.#busy.set(
        route,
        this.#ask(route, due).finally(() => this.#busy.delete(route)),
      )
    }
  }

  // Also forgets instances that are gone, and makes those that are not available due.
  #due(route: Route): RouteEndpoint[] {
    const endpoints = [...route.endpoints()]
    const checks = this.#checksOf(route)
    for (const [id, { generation }] of checks) if (route.endpoint(id)?.generation !== generation) checks.delete(id)
    if (route.toolSets.keepOnly(new Set(checks.keys()))) this.#tell(route)
    if (endpoints.length < 2) {
      checks.clear()
      return []
    }
    const now = this.#options.now()
    return endpoints.filter(({ id }) => {
      if (!route.health.isAvailable(id)) {
        checks.delete(id)
        return false
      }
      return (checks.get(id)?.dueAt ?? 0) <= now
    })
  }

  #checksOf({ template }: Route): Map<string, Check> {
    const known = this.#checks.get(template) ?? new Map<string, Check>()
    this.#checks.set(template, known)
    return known
  }

  // One after the other: nobody waits for it.
  async #ask(route: Route, endpoints: readonly RouteEndpoint[]): Promise<void> {
    let hasChanged = false
    for (const endpoint of endpoints) {
      if (this.#stop.signal.aborted) return
      const next: Check = { generation: endpoint.generation, dueAt: this.#options.now() + this.#nextMs(endpoint) }
      this.#checksOf(route).set(endpoint.id, next)
      const differsNow = await this.#read(route, endpoint, next)
      hasChanged ||= differsNow
    }
    if (hasChanged) this.#tell(route)
  }

  // True if it changes what is known of the template.
  async #read(route: Route, endpoint: RouteEndpoint, check: Check): Promise<boolean> {
    try {
      const tools = await toolsOf(route, endpoint, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(READ_MS)]))
      const isGone = route.endpoint(endpoint.id)?.generation !== endpoint.generation
      return !isGone && tools !== undefined && route.toolSets.learn(endpoint.id, toolSetOf(tools))
    } catch (error) {
      check.dueAt = this.#options.now() + RETRY_MS
      if (!this.#stop.signal.aborted)
        this.#options.onEvent({ type: 'list-failed', template: route.template, method: 'tools/list', error })
      return false
    }
  }

  #nextMs({ instance }: RouteEndpoint): number {
    return instance.attach.kind === 'http' ? this.#recheckMs : Number.POSITIVE_INFINITY
  }

  #tell(route: Route): void {
    const { template } = route
    const instanceIds = [...route.endpoints()].map(({ id }) => id)
    if (route.toolSets.differ) this.#options.onEvent({ type: 'catalogue-differs', template, instanceIds })
    else this.#options.onEvent({ type: 'catalogue-agrees', template, instanceIds })
  }
}

const CALLER: PlainCaller = { era: 'none', context: OWN_CONTEXT, clientInfo: GATEWAY_CLIENT, logLevel: undefined }

/** All tools of one instance; undefined for a server that answers with an error: it has none to compare. */
async function toolsOf(route: Route, endpoint: RouteEndpoint, signal: AbortSignal): Promise<ListItem[] | undefined> {
  const tools: ListItem[] = []
  let cursor: unknown
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { cursor }
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }))
    const server = bridge(endpoint.connection, CALLER, route.parked)
    const options = { signal, limits: route.readLimits }
    const result = await resultOf(await server.exchange({ body, envelope: scanEnvelope(body) }, options))
    const items = result?.[LIST_MEMBERS['tools/list']]
    if (!result || !Array.isArray(items)) return undefined
    tools.push(...items.filter((item) => typeof item === 'object' && item !== null))
    cursor = result['nextCursor']
    if (typeof cursor !== 'string' || cursor === '') return tools
  }
  return tools
}

async function resultOf(reply: UpstreamReply): Promise<ListItem | undefined> {
  let whole: Buffer | undefined
  if (reply.kind === 'complete') whole = reply.json
  if (reply.kind === 'stream') {
    await reply.pipe({
      message(json, envelope) {
        if (envelope.kind === 'response') whole = json
      },
    })
  }
  const message: unknown = whole && JSON.parse(whole.toString())
  return Object(Object(message)['result'])
}
