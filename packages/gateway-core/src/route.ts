import { Balancer, type Lease, NoEndpointAvailableError, policyByName } from '@mcp-platform/balancer'
import {
  effectiveSettings,
  type Instance,
  type PartialTemplateSettings,
  type Template,
  type TemplateSettings,
} from '@mcp-platform/core-registry'
import type { ListItem, ParkedCalls, Parking } from '@mcp-platform/mcp-bridge'
import type { Connection, ExchangeLimits } from '@mcp-platform/mcp-upstream'
import { affinityKey } from './affinity.js'
import { type GatewayCall, kindOf } from './call.js'
import type { GatewayObserver } from './events.js'
import { isRepeatable } from './failover-rules.js'
import type { Failure } from './failure.js'
import { retryClass } from './methods.js'
import { probeTimeoutMs } from './probe-timeout.js'
import { shareOf } from './process-share.js'
import { type Located, RegionFirst } from './region-first.js'
import { BUDGET_FLOOR, RetryBudget } from './retry-budget.js'
import { type RouteEndpoint, RouteEndpoints } from './route-endpoints.js'
import type { RouteHealth } from './route-health.js'
import { leaseRefusal, OVERLOADED_RETRY_AFTER_MS } from './route-refusal.js'
import { CallStats } from './stats.js'
import { SwitchableHealth } from './switchable-health.js'
import { ToolSets } from './tool-sets.js'

/** What a route is given by the gateway. */
export interface RouteDependencies {
  readonly connect: (instance: Instance, settings: TemplateSettings) => Connection
  readonly watch: (
    template: Template,
    settings: TemplateSettings,
    endpointOf: (id: string) => RouteEndpoint | undefined,
  ) => RouteHealth
  readonly defaults: PartialTemplateSettings
  /** Region of this node; absent: instances are used wherever they are. */
  readonly region?: string | undefined
  /** Processes that serve calls side by side. */
  readonly processes: number
  readonly parked: ParkedCalls
  readonly toolOf: (call: GatewayCall) => ListItem | undefined
  readonly now: () => number
  readonly random: () => number
  readonly onEvent: GatewayObserver
}

/**
 * Everything that stands between a template's name and one leased instance: its balancer, its health, the connections
 * of its instances. Follows the registry by {@link Route.update}, keeping the state of what stays.
 */
export class Route {
  readonly template: string
  /** Calls of the template that wait for their client to answer a question. */
  readonly parked: Parking
  readonly budget: RetryBudget
  readonly stats: CallStats = new CallStats()
  /** What its instances offer, compared. */
  readonly toolSets: ToolSets = new ToolSets()
  readonly now: () => number
  readonly random: () => number
  readonly onEvent: GatewayObserver
  settings: TemplateSettings
  callLimits: ExchangeLimits
  readLimits: ExchangeLimits
  readonly #deps: RouteDependencies
  readonly #endpoints: RouteEndpoints
  readonly #health: SwitchableHealth
  readonly #region: RegionFirst | undefined
  #checks = ''
  #balancer: Balancer<RouteEndpoint>

  constructor(template: Template, deps: RouteDependencies) {
    this.template = template.name
    this.parked = deps.parked.within(template.name)
    this.#deps = deps
    this.budget = new RetryBudget(shareOf(BUDGET_FLOOR, deps.processes))
    this.now = deps.now
    this.random = deps.random
    this.onEvent = deps.onEvent
    this.settings = effectiveSettings(template.settings, deps.defaults)
    this.callLimits = limits(this.settings, this.settings.timeouts.callFirstByteMs)
    this.readLimits = limits(this.settings, this.settings.timeouts.firstByteMs)
    this.#endpoints = new RouteEndpoints(deps)
    this.#endpoints.replace(template.instances, this.settings)
    this.#health = new SwitchableHealth(this.#watch(template))
    this.#region = this.#inRegion(deps.region)
    this.#balancer = this.#newBalancer()
    this.#applyAdminStates()
  }

  get health(): RouteHealth {
    return this.#health
  }

  /** The instance is fit, and kept for when nothing of this node's region is available. */
  isSpared(id: string): boolean {
    return this.#region?.isSpared(id) ?? false
  }

  get balancer(): Balancer<RouteEndpoint> {
    return this.#balancer
  }

  endpoint(id: string): RouteEndpoint | undefined {
    return this.#endpoints.find(id)
  }

  endpoints(): Iterable<RouteEndpoint> {
    return this.#endpoints.all()
  }

  /** Follows a new version of the template. A change of strategy starts with fresh load figures. */
  update(template: Template): void {
    const previous = this.settings
    this.settings = effectiveSettings(template.settings, this.#deps.defaults)
    this.callLimits = limits(this.settings, this.settings.timeouts.callFirstByteMs)
    this.readLimits = limits(this.settings, this.settings.timeouts.firstByteMs)
    this.#endpoints.replace(template.instances, this.settings)
    this.#health.update(this.#targets())
    if (this.#checks !== checksOf(template, this.settings)) this.#health.replace(this.#watch(template))
    this.#applyAdminStates()
    this.#region?.changed()
    if (previous.strategy === this.settings.strategy && previous.queueSize === this.settings.queueSize) {
      this.#balancer.update(this.#endpoints.all())
      return
    }
    this.#balancer = this.#newBalancer()
  }

  /**
   * Leases an instance that was not tried yet; waits in the template's queue while all are full.
   * Undefined when every available instance was tried.
   * @throws GatewayError NO_INSTANCE_AVAILABLE, QUEUE_FULL, QUEUE_TIMEOUT; the reason of the call's signal
   */
  lease(
    call: GatewayCall,
    tried: ReadonlySet<string>,
  ): Lease<RouteEndpoint> | Promise<Lease<RouteEndpoint> | undefined> {
    const excluded = this.toolSets.differ ? this.#orLacking(call, tried) : tried
    const context = {
      affinityKey: affinityKey(call, this.settings.affinity),
      pinnedTo: call.pinnedTo,
      exclude: excluded.size === 0 ? undefined : excluded,
    }
    return this.#balancer.tryAcquire(context) ?? this.#fromAfar(context) ?? this.#queue(call, tried, context)
  }

  async #queue(
    call: GatewayCall,
    tried: ReadonlySet<string>,
    context: LeaseContext,
  ): Promise<Lease<RouteEndpoint> | undefined> {
    try {
      return await this.#waitFor(call, context)
    } catch (error) {
      if (error instanceof NoEndpointAvailableError && tried.size > 0) return undefined
      throw leaseRefusal(error, call, this)
    }
  }

  /** Settles a failed attempt: what it says about the instance goes to load and health. */
  blame(lease: Lease<RouteEndpoint>, failure: Failure, call: GatewayCall): void {
    const kind = kindOf(call)
    const { id } = lease.endpoint
    switch (failure.blame) {
      case 'hard':
        lease.release({ outcome: 'failure', kind })
        return
      case 'overloaded':
        lease.release({ outcome: 'overloaded', kind, retryAfterMs: failure.retryAfterMs ?? OVERLOADED_RETRY_AFTER_MS })
        return
      case 'suspect':
        lease.release({ outcome: 'cancelled', kind })
        this.#health.suspect(id, codeOf(failure.error), `${call.principal.id} ${call.message.envelope.name ?? ''}`)
        return
      case 'unauthenticated':
        lease.release({ outcome: 'cancelled', kind })
        this.#probeSoon(id)
        return
      case 'none':
        lease.release({ outcome: 'cancelled', kind })
    }
  }

  /** The tool a call names, as the template's list had it last; undefined while instances disagree: whose hints hold? */
  toolOf(call: GatewayCall): ListItem | undefined {
    return this.toolSets.differ ? undefined : this.#deps.toolOf(call)
  }

  /** Stops probing and closes every connection. Calls in flight fail with UPSTREAM_CLOSED. */
  async close(): Promise<void> {
    await this.#health.close()
    await this.#endpoints.close()
  }

  /** The template is gone: no new call comes here, those under way may end, then every connection is closed. */
  async retire(): Promise<void> {
    await this.#health.close()
    await this.#endpoints.retire()
  }

  // A session stays where it is: its server says itself what it does not have.
  #orLacking({ message, pinnedTo }: GatewayCall, tried: ReadonlySet<string>): ReadonlySet<string> {
    const { method, name } = message.envelope
    if (method !== 'tools/call' || name === undefined || pinnedTo !== undefined) return tried
    return new Set([...tried, ...this.toolSets.lacking(name)])
  }

  // Everything of this region was tried: the others are there for that.
  #fromAfar(context: LeaseContext): Lease<RouteEndpoint> | undefined {
    if (context.exclude === undefined || context.pinnedTo !== undefined) return undefined
    const exclude = this.#region?.beyond(context.exclude)
    return exclude && this.#balancer.tryAcquire({ ...context, exclude, allowUnavailable: true })
  }

  async #waitFor(call: GatewayCall, context: LeaseContext): Promise<Lease<RouteEndpoint>> {
    const bounds = { signal: call.signal, maxWaitMs: this.settings.queueTimeoutMs }
    try {
      return await this.#balancer.acquire({ ...context, ...bounds })
    } catch (error) {
      if (!(error instanceof NoEndpointAvailableError) || context.pinnedTo !== undefined) throw error
      return this.#lastResort(call, context, error)
    }
  }

  // Nothing is available. What may be repeated anyway tries instances that are ejected or failed their probe; a tool
  // waits for one probe to succeed first (BALANCING.md, panic).
  async #lastResort(call: GatewayCall, context: LeaseContext, error: unknown): Promise<Lease<RouteEndpoint>> {
    if (!this.#repeatable(call)) await this.#probeCandidates(context.exclude, call.signal)
    const allowUnavailable = this.#repeatable(call)
    const lease = this.#balancer.tryAcquire({ ...context, allowUnavailable })
    if (!lease) throw error
    return lease
  }

  #repeatable(call: GatewayCall): boolean {
    const kind = retryClass(call.message.envelope.method)
    if (kind === 'call') return isRepeatable(call, { settings: this.settings, tool: this.toolOf(call) })
    return kind !== 'once'
  }

  async #probeCandidates(exclude: ReadonlySet<string> | undefined, signal: AbortSignal): Promise<void> {
    const ids = [...this.#endpoints.ids()].filter(
      (id) => !exclude?.has(id) && this.#health.lastResort?.(id) !== undefined,
    )
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([Promise.allSettled(ids.map((id) => this.#health.probeNow(id))), aborted])
    signal.throwIfAborted()
  }

  // What the probe finds shows in the instance's health; that the instance was removed meanwhile needs no answer.
  #probeSoon(id: string): void {
    this.#health.probeNow(id).catch(() => undefined)
  }

  #watch(template: Template): RouteHealth {
    this.#checks = checksOf(template, this.settings)
    return this.#deps.watch(template, this.settings, (id) => this.#endpoints.find(id))
  }

  #inRegion(region: string | undefined): RegionFirst | undefined {
    if (region === undefined) return undefined
    const instances = (): Located[] => this.#endpoints.all().map(({ instance }) => instance)
    return new RegionFirst({ region, health: this.#health, instances })
  }

  #newBalancer(): Balancer<RouteEndpoint> {
    return new Balancer<RouteEndpoint>({
      endpoints: this.#endpoints.all(),
      policy: policyByName(this.settings.strategy),
      health: this.#region ?? this.#health,
      queueSize: shareOf(this.settings.queueSize, this.#deps.processes),
      random: this.random,
      now: this.now,
      onEvent: (event) => this.onEvent({ type: 'balancer', template: this.template, event }),
    })
  }

  #targets(): { id: string; generation: number }[] {
    return this.#endpoints.all().map(({ id, generation }) => ({ id, generation }))
  }

  #applyAdminStates(): void {
    for (const { id, instance } of this.#endpoints.all())
      this.#health.setAdmin(id, { state: instance.override.state ?? instance.state })
  }
}

// Everything that a monitor is made from: when it changes, another one takes over.
function checksOf(template: Template, settings: TemplateSettings): string {
  const { healthCheck, healthCheckIntervalMs } = settings
  return JSON.stringify([healthCheck, healthCheckIntervalMs, probeTimeoutMs(template, settings)])
}

interface LeaseContext {
  readonly affinityKey: string | undefined
  readonly pinnedTo: string | undefined
  readonly exclude: ReadonlySet<string> | undefined
}

function limits(settings: TemplateSettings, firstByteMs: number | undefined): ExchangeLimits {
  const { connectMs, idleMs } = settings.timeouts
  return { connectMs, firstByteMs, idleMs, maxAnswerBytes: settings.maxAnswerBytes } as ExchangeLimits
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN'
}
