import {
  Balancer,
  type Lease,
  NoEndpointAvailableError,
  PinnedEndpointGoneError,
  policyByName,
  QueueFullError,
  QueueTimeoutError,
} from '@mcp-platform/balancer'
import {
  effectiveSettings,
  type Instance,
  instanceMaxInFlight,
  type PartialTemplateSettings,
  type Template,
  type TemplateSettings,
} from '@mcp-platform/core-registry'
import type { ListItem, ParkedCalls, Parking } from '@mcp-platform/mcp-bridge'
import type { Connection, ExchangeLimits } from '@mcp-platform/mcp-upstream'
import { affinityKey } from './affinity.js'
import { type GatewayCall, kindOf } from './call.js'
import { GatewayError } from './errors.js'
import type { GatewayObserver } from './events.js'
import { isRepeatable } from './failover-rules.js'
import type { Failure } from './failure.js'
import { retryClass } from './methods.js'
import { probeTimeoutMs } from './probe-timeout.js'
import { shareOf } from './process-share.js'
import { type Located, RegionFirst } from './region-first.js'
import { BUDGET_FLOOR, RetryBudget } from './retry-budget.js'
import type { RouteHealth } from './route-health.js'
import { CallStats } from './stats.js'
import { SwitchableHealth } from './switchable-health.js'
import { ToolSets } from './tool-sets.js'

/** What the balancer picks: one instance with its connection. */
export interface RouteEndpoint {
  readonly id: string
  readonly weight: number
  readonly maxInFlight: number
  readonly generation: number
  readonly instance: Instance
  readonly connection: Connection
  readonly stats: CallStats
}

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

/** How long a removed instance may finish what it has in flight before its connection is closed, in milliseconds. */
const REMOVAL_GRACE_MS = 30_000
const OVERLOADED_RETRY_AFTER_MS = 1_000

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
  readonly #endpoints = new Map<string, RouteEndpoint>()
  readonly #retiring = new Set<RouteEndpoint>()
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
    this.#replaceEndpoints(template.instances)
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
    return this.#endpoints.get(id)
  }

  endpoints(): Iterable<RouteEndpoint> {
    return this.#endpoints.values()
  }

  /** Follows a new version of the template. A change of strategy starts with fresh load figures. */
  update(template: Template): void {
    const previous = this.settings
    this.settings = effectiveSettings(template.settings, this.#deps.defaults)
    this.callLimits = limits(this.settings, this.settings.timeouts.callFirstByteMs)
    this.readLimits = limits(this.settings, this.settings.timeouts.firstByteMs)
    this.#replaceEndpoints(template.instances)
    this.#health.update(this.#targets())
    if (this.#checks !== checksOf(template, this.settings)) this.#health.replace(this.#watch(template))
    this.#applyAdminStates()
    this.#region?.changed()
    if (previous.strategy === this.settings.strategy && previous.queueSize === this.settings.queueSize) {
      this.#balancer.update([...this.#endpoints.values()])
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
      throw this.#refusal(error, call)
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
    const all = [...this.#endpoints.values(), ...this.#retiring]
    await Promise.all(all.map((endpoint) => endpoint.connection.close()))
    this.#endpoints.clear()
  }

  /** The template is gone: no new call comes here, those under way may end, then every connection is closed. */
  async retire(): Promise<void> {
    await this.#health.close()
    await Promise.all([...this.#endpoints.values()].map((endpoint) => this.#retire(endpoint)))
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
    const ids = [...this.#endpoints.keys()].filter(
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

  #refusal(error: unknown, call: GatewayCall): unknown {
    const facts = {
      template: this.template,
      executed: call.trace.mayHaveRun ? 'unknown' : 'no',
      retryable: true,
      attempts: call.trace.attempts,
      retryAfterMs: OVERLOADED_RETRY_AFTER_MS,
    } as const
    if (error instanceof NoEndpointAvailableError) {
      return new GatewayError('NO_INSTANCE_AVAILABLE', this.#whyNone(), facts, error)
    }
    if (error instanceof QueueFullError) {
      return new GatewayError(
        'QUEUE_FULL',
        `all instances of "${this.template}" are busy and its queue of ${this.settings.queueSize} is full`,
        facts,
        error,
      )
    }
    if (error instanceof QueueTimeoutError) {
      return new GatewayError(
        'QUEUE_TIMEOUT',
        `no instance of "${this.template}" became free within ${this.settings.queueTimeoutMs / 1000} s`,
        facts,
        error,
      )
    }
    if (error instanceof PinnedEndpointGoneError) {
      return new GatewayError(
        'SESSION_NOT_FOUND',
        call.message.envelope.taskId === undefined
          ? 'the instance that this session lived on is gone; initialize again'
          : 'the instance that holds this task takes no calls any more',
        facts,
        error,
      )
    }
    return error
  }

  #whyNone(): string {
    if (this.#endpoints.size === 0) return `template "${this.template}" has no instance; register one`
    const states = [...this.#endpoints.keys()].map((id) => `${id} is ${this.#health.view(id)?.status ?? 'unknown'}`)
    return `no instance of "${this.template}" is available: ${states.slice(0, 8).join(', ')}`
  }

  #watch(template: Template): RouteHealth {
    this.#checks = checksOf(template, this.settings)
    return this.#deps.watch(template, this.settings, (id) => this.#endpoints.get(id))
  }

  #inRegion(region: string | undefined): RegionFirst | undefined {
    if (region === undefined) return undefined
    const instances = (): Located[] => [...this.#endpoints.values()].map(({ instance }) => instance)
    return new RegionFirst({ region, health: this.#health, instances })
  }

  #newBalancer(): Balancer<RouteEndpoint> {
    return new Balancer<RouteEndpoint>({
      endpoints: [...this.#endpoints.values()],
      policy: policyByName(this.settings.strategy),
      health: this.#region ?? this.#health,
      queueSize: shareOf(this.settings.queueSize, this.#deps.processes),
      random: this.random,
      now: this.now,
      onEvent: (event) => this.onEvent({ type: 'balancer', template: this.template, event }),
    })
  }

  #replaceEndpoints(instances: readonly Instance[]): void {
    const wanted = new Map(instances.map((instance) => [instance.id, instance]))
    for (const [id, endpoint] of this.#endpoints) {
      if (wanted.get(id)?.generation === endpoint.generation) continue
      this.#endpoints.delete(id)
      void this.#retire(endpoint)
    }
    for (const instance of instances) this.#endpoints.set(instance.id, this.#endpointFor(instance))
  }

  #endpointFor(instance: Instance): RouteEndpoint {
    const known = this.#endpoints.get(instance.id)
    return {
      id: instance.id,
      weight: instance.override.weight ?? instance.weight,
      maxInFlight: this.#maxInFlight(instance),
      generation: instance.generation,
      instance,
      connection: known?.connection ?? this.#deps.connect(instance, this.settings),
      stats: known?.stats ?? new CallStats(),
    }
  }

  // The cap of a child is kept by the process that it lives in, over all others.
  #maxInFlight(instance: Instance): number {
    const cap = instanceMaxInFlight(instance, this.settings)
    return instance.attach.kind !== 'http' ? cap : shareOf(cap, this.#deps.processes)
  }

  // A removed instance takes no new calls; those it has may end.
  async #retire(endpoint: RouteEndpoint): Promise<void> {
    this.#retiring.add(endpoint)
    const deadline = this.now() + REMOVAL_GRACE_MS
    while (endpoint.stats.inFlight > 0 && this.now() < deadline) await pause(100)
    await endpoint.connection.close()
    this.#retiring.delete(endpoint)
  }

  #targets(): { id: string; generation: number }[] {
    return [...this.#endpoints.values()].map(({ id, generation }) => ({ id, generation }))
  }

  #applyAdminStates(): void {
    for (const { id, instance } of this.#endpoints.values())
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
