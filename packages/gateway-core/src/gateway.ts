import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  ExplainView,
  GatewayHealth,
  GatewayStats,
  RegistryView,
  TemplateHealth,
  TemplateView,
} from '@mcp-platform/contract'
import { DEFAULT_SETTINGS, type Template, type TemplateSettings } from '@mcp-platform/core-registry'
import type { ProbeResult } from '@mcp-platform/health'
import { ParkedCalls, Sealer, SessionBook } from '@mcp-platform/mcp-bridge'
import { Authorizer } from './authorizer.js'
import type { GatewayCall } from './call.js'
import type { CallScope } from './call-scope.js'
import { countsOf, type GatewayCounts, Tally } from './counts.js'
import { DeadlineWheel } from './deadline-wheel.js'
import { GatewayError } from './errors.js'
import type { GatewayEvent } from './events.js'
import { Adoptions } from './faces/adoptions.js'
import type { FaceContext } from './faces/context.js'
import { Homes } from './faces/homes.js'
import { serveMcp } from './faces/serve.js'
import type { GatewayOptions } from './gateway-options.js'
import { NativeLists } from './native-lists.js'
import { Pipeline } from './pipeline.js'
import { PrincipalLimits } from './principal-limits.js'
import { shareOf } from './process-share.js'
import type { Route } from './route.js'
import type { RouteEndpoint } from './route-endpoints.js'
import { RouteTable } from './route-table.js'
import { CallStats } from './stats.js'
import { TaskIds } from './task-ids.js'
import { TemplateWatch } from './template-watch.js'
import { ToolSetWatch } from './tool-set-watch.js'
import { explainView } from './views/explain.js'
import { gatewayHealth, templateHealth } from './views/health.js'
import { registryView, templateView } from './views/registry.js'
import { gatewayStats } from './views/stats.js'
import { VisibleLists } from './visible-lists.js'
import { watchTemplate } from './watch.js'

const DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024
const DEFAULT_SUBSCRIPTION_MAX_AGE_MS = 3_600_000
const DEFAULT_MAX_IN_FLIGHT_PER_PRINCIPAL = 1_024
/** How long a stop waits for calls to end by themselves, in milliseconds. */
const DEFAULT_GRACE_MS = 30_000

/**
 * The gateway without a web framework: give {@link Gateway.handle} every request below `/mcp`, and it authenticates,
 * authorises, balances, fails over and answers. Views are for management; changes go to the registry it follows.
 */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #now: () => number
  readonly #startedAt: number
  readonly #wheel: DeadlineWheel
  readonly #scopes = new Set<CallScope>()
  readonly #total = new CallStats()
  readonly #sealer: Sealer
  readonly #parked: ParkedCalls
  readonly #sessions: SessionBook
  readonly #routes: RouteTable
  readonly #toolSets: ToolSetWatch
  readonly #context: FaceContext
  readonly #forwarded: FaceContext
  readonly #inherited: FaceContext

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#startedAt = this.#now()
    this.#wheel = new DeadlineWheel({ now: this.#now })
    const sealer = new Sealer(options.sealingKeys ?? [{ kid: 'r', key: randomBytes(32) }])
    this.#sealer = sealer
    const home = options.home ?? 'main'
    this.#parked = new ParkedCalls({ sealer, home, maxParkedMs: options.maxAskMs, wallNow: options.wallNow })
    this.#sessions = new SessionBook({
      sealer,
      home,
      now: this.#now,
      wallNow: options.wallNow ?? Date.now,
      idleMs: options.sessionIdleMs,
      askMs: options.maxAskMs,
    })
    this.#routes = this.#makeRoutes()
    this.#toolSets = new ToolSetWatch({
      routes: this.#routes,
      recheckMs: options.toolCheckMs,
      now: this.#now,
      onEvent: this.#onEvent,
    })
    const places = { own: home, sealer, sessions: this.#sessions, adopting: new Adoptions() }
    this.#context = this.#makeContext(new Homes({ ...places, hop: options.hop, adopts: true }))
    const { checkForwarded: checkBody } = options
    const settled = { ...places, hop: undefined }
    this.#forwarded = { ...this.#context, homes: new Homes({ ...settled, adopts: false }), checkBody }
    this.#inherited = { ...this.#forwarded, homes: new Homes({ ...settled, adopts: true }) }
  }

  /** Follows the registry and resolves when every instance was probed once (bounded by the probe timeout). */
  async start(): Promise<void> {
    this.#routes.follow(this.#options.registry)
    await Promise.all(this.#routes.all().map((route) => route.health.start()))
    this.#toolSets.start()
  }

  /** Request listener for `/mcp` and everything below it. Never throws, always answers. */
  handle(request: IncomingMessage, response: ServerResponse, requestId: string): void {
    void serveMcp(this.#context, request, response, requestId)
  }

  /**
   * The same for a message that another process sent here: it goes no further. `adopts`: the home of its session is gone,
   * so the session may go on here.
   */
  handleForwarded(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    options: { readonly adopts?: boolean | undefined } = {},
  ): void {
    void serveMcp(options.adopts === true ? this.#inherited : this.#forwarded, request, response, requestId)
  }

  /**
   * What this process has counted, for another one to add up. `wanted` leaves out instances, as those that did not
   * change since the last time.
   */
  counts(wanted: (template: string, id: string, stats: CallStats) => boolean = () => true): GatewayCounts {
    const templates = this.#routes.all().map((route) => [route.template, countsOfRoute(route, wanted)] as const)
    return { total: countsOf(this.#total), templates: Object.fromEntries(templates) }
  }

  /** Calls under way, over all templates. */
  get inFlight(): number {
    return this.#scopes.size
  }

  /**
   * Waits up to `graceMs` for the calls under way, ends the rest with SHUTTING_DOWN, and closes every connection.
   * An aborted `hurry` skips the wait.
   */
  async close(options: { graceMs?: number | undefined; hurry?: AbortSignal | undefined } = {}): Promise<void> {
    const deadline = this.#now() + (options.graceMs ?? DEFAULT_GRACE_MS)
    while (this.#scopes.size > 0 && this.#now() < deadline && !options.hurry?.aborted) await pause(25)
    for (const scope of this.#scopes) scope.stop()
    await this.#toolSets.close()
    await this.#sessions.close()
    await this.#parked.close()
    await this.#routes.close()
    this.#wheel.close()
  }

  health(): GatewayHealth {
    return gatewayHealth(this.#options.registry.state, (name) => this.#routes.find(name), {
      version: this.#options.version ?? '0.0.0',
      uptimeMs: this.#now() - this.#startedAt,
      database: this.#options.database?.() ?? 'none',
    })
  }

  /** @throws GatewayError TEMPLATE_NOT_FOUND */
  templateHealth(name: string): TemplateHealth {
    return templateHealth(this.#requireTemplate(name), this.#routes.find(name))
  }

  stats(): GatewayStats {
    return gatewayStats({
      state: this.#options.registry.state,
      routes: this.#routes.all(),
      total: this.#total,
      tally: this.#tally,
      uptimeMs: this.#now() - this.#startedAt,
      defaultStrategy: this.#options.defaults?.strategy ?? DEFAULT_SETTINGS.strategy,
    })
  }

  registryView(): RegistryView {
    return registryView(this.#options.registry.state, (name) => this.#routes.find(name), this.#tally)
  }

  templates(): TemplateView[] {
    return [...this.#options.registry.state.templates.values()].map((template) =>
      templateView(template, this.#routes.find(template.name)),
    )
  }

  /** @throws GatewayError TEMPLATE_NOT_FOUND */
  template(name: string): TemplateView {
    return templateView(this.#requireTemplate(name), this.#routes.find(name))
  }

  /** Who would be picked now, and why nobody else. @throws GatewayError TEMPLATE_NOT_FOUND */
  explain(name: string): ExplainView {
    return explainView(this.#routes.require(name), this.#tally)
  }

  /** Probes one instance now. @throws GatewayError TEMPLATE_NOT_FOUND, INSTANCE_NOT_FOUND */
  async probe(template: string, instanceId: string): Promise<ProbeResult> {
    return this.#requireInstance(template, instanceId).health.probeNow(instanceId)
  }

  /** Calls that an instance is working on, over all processes; 0 for one that is not there. */
  inFlightOf(template: string, instanceId: string): number {
    const own = this.#routes.find(template)?.endpoint(instanceId)?.stats.inFlight ?? 0
    return this.#tally.inFlight(own, template, instanceId)
  }

  /** The URL variant that answered, once one has. */
  resolvedUrl(template: string, instanceId: string): string | undefined {
    return this.#routes.find(template)?.endpoint(instanceId)?.connection.identity?.url
  }

  #requireTemplate(name: string): Template {
    const template = this.#options.registry.state.templates.get(name)
    if (template) return template
    throw new GatewayError('TEMPLATE_NOT_FOUND', `there is no template "${name}"`, { template: name })
  }

  #requireInstance(template: string, instanceId: string): Route {
    const route = this.#routes.require(template)
    if (route.endpoint(instanceId)) return route
    throw new GatewayError('INSTANCE_NOT_FOUND', `template "${template}" has no instance "${instanceId}"`, {
      template,
      instanceId,
    })
  }

  #makeRoutes(): RouteTable {
    const options = this.#options
    const deps = {
      connect: options.connect,
      watch: (template: Template, settings: TemplateSettings, endpointOf: (id: string) => RouteEndpoint | undefined) =>
        (options.watch ?? watchTemplate)({
          template,
          settings,
          endpointOf,
          registry: options.registry,
          circuits: options.circuits ?? [],
          refuseCommand: options.refuseCommand,
          fetchFor: options.fetchFor,
          random: this.#random,
          onEvent: this.#onEvent,
        }),
      defaults: options.defaults ?? {},
      region: options.region,
      processes: this.#processes,
      parked: this.#parked,
      toolOf: (call: GatewayCall) => this.#context.lists.tool(call),
      now: this.#now,
      random: this.#random,
      onEvent: this.#onEvent,
    }
    return new RouteTable(deps, {
      replaced: (template) => this.#context.lists.invalidate(template),
      gone: (template) => this.#sessions.endOf(template),
    })
  }

  #makeContext(homes: Homes): FaceContext {
    const { authenticate, challenge, decide, admit, audit, interceptors = [] } = this.#options
    const authorizer = new Authorizer({ decide, onEvent: this.#onEvent })
    const lists = new VisibleLists({
      routes: this.#routes,
      authorizer,
      now: this.#now,
      onChanged: (template) => this.#toolSets.expire(template),
    })
    const tasks = new TaskIds(this.#sealer)
    const pipeline = new Pipeline({
      routes: this.#routes,
      authorizer,
      interceptors,
      admit,
      audit,
      limits: new PrincipalLimits({
        maxInFlight: shareOf(
          this.#options.maxInFlightPerPrincipal ?? DEFAULT_MAX_IN_FLIGHT_PER_PRINCIPAL,
          this.#processes,
        ),
      }),
      requireTool: (call, route) => lists.requireTool(call, route),
      tasks,
      nativeLists: new NativeLists(lists, this.#sealer),
      findTool: (call, route, options) => lists.find(call, route, options),
      stats: this.#total,
      now: this.#now,
      onEvent: this.#onEvent,
    })
    return {
      addressOf: this.#options.addressOf,
      pipeline,
      tasks,
      templates: new TemplateWatch(this.#routes),
      lists,
      sessions: this.#sessions,
      sealer: this.#sealer,
      routes: this.#routes,
      wheel: this.#wheel,
      scopes: this.#scopes,
      authenticate,
      decide,
      authorizer,
      challenge,
      templateHealth: (name) => this.templateHealth(name),
      maxBodyBytes: this.#options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
      maxStallMs: this.#options.maxStallMs,
      heartbeatMs: this.#options.heartbeatMs,
      subscriptionMaxAgeMs: this.#options.subscriptionMaxAgeMs ?? DEFAULT_SUBSCRIPTION_MAX_AGE_MS,
      homes,
      now: this.#now,
      random: this.#random,
      onEvent: this.#onEvent,
    }
  }

  get #processes(): number {
    return this.#options.processes ?? 1
  }

  get #tally(): Tally {
    return new Tally(this.#options.elsewhere?.() ?? [])
  }

  get #random(): () => number {
    return this.#options.random ?? Math.random
  }

  // An observer's bug must not become a caller's error.
  readonly #onEvent = (event: GatewayEvent): void => {
    try {
      this.#options.onEvent?.(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

function countsOfRoute(
  route: Route,
  wanted: (template: string, id: string, stats: CallStats) => boolean,
): GatewayCounts['templates'][string] {
  const endpoints = [...route.endpoints()].filter(({ id, stats }) => wanted(route.template, id, stats))
  const instances = endpoints.map(({ id, stats }) => [id, countsOf(stats)] as const)
  return { ...countsOf(route.stats), instances: Object.fromEntries(instances) }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
