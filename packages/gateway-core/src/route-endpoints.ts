import { type Instance, instanceMaxInFlight, type TemplateSettings } from '@mcp-platform/core-registry'
import type { Connection } from '@mcp-platform/mcp-upstream'
import { shareOf } from './process-share.js'
import { CallStats } from './stats.js'

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

export interface RouteEndpointsOptions {
  readonly connect: (instance: Instance, settings: TemplateSettings) => Connection
  /** Processes that serve calls side by side. */
  readonly processes: number
  readonly now: () => number
}

/** How long a removed instance may finish what it has in flight before its connection is closed, in milliseconds. */
const REMOVAL_GRACE_MS = 30_000

/** The instances of one template with their connections and counts. Those that leave finish what they have in flight. */
export class RouteEndpoints {
  readonly #options: RouteEndpointsOptions
  readonly #endpoints = new Map<string, RouteEndpoint>()
  readonly #retiring = new Set<RouteEndpoint>()

  constructor(options: RouteEndpointsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#endpoints.size
  }

  find(id: string): RouteEndpoint | undefined {
    return this.#endpoints.get(id)
  }

  ids(): Iterable<string> {
    return this.#endpoints.keys()
  }

  all(): RouteEndpoint[] {
    return [...this.#endpoints.values()]
  }

  /** Instances that stay (same id and generation) keep their connection and counts. */
  replace(instances: readonly Instance[], settings: TemplateSettings): void {
    const wanted = new Map(instances.map((instance) => [instance.id, instance]))
    for (const [id, endpoint] of this.#endpoints) {
      if (wanted.get(id)?.generation === endpoint.generation) continue
      this.#endpoints.delete(id)
      void this.#retire(endpoint)
    }
    for (const instance of instances) this.#endpoints.set(instance.id, this.#endpointFor(instance, settings))
  }

  /** Closes every connection, also of those that are leaving. */
  async close(): Promise<void> {
    await Promise.all([...this.all(), ...this.#retiring].map((endpoint) => endpoint.connection.close()))
    this.#endpoints.clear()
  }

  /** Closes each connection when its calls have ended. */
  async retire(): Promise<void> {
    await Promise.all(this.all().map((endpoint) => this.#retire(endpoint)))
  }

  #endpointFor(instance: Instance, settings: TemplateSettings): RouteEndpoint {
    const known = this.#endpoints.get(instance.id)
    return {
      id: instance.id,
      weight: instance.override.weight ?? instance.weight,
      maxInFlight: this.#maxInFlight(instance, settings),
      generation: instance.generation,
      instance,
      connection: known?.connection ?? this.#options.connect(instance, settings),
      stats: known?.stats ?? new CallStats(),
    }
  }

  // The cap of a child is kept by the process that it lives in, over all others.
  #maxInFlight(instance: Instance, settings: TemplateSettings): number {
    const cap = instanceMaxInFlight(instance, settings)
    return instance.attach.kind !== 'http' ? cap : shareOf(cap, this.#options.processes)
  }

  async #retire(endpoint: RouteEndpoint): Promise<void> {
    const { now } = this.#options
    this.#retiring.add(endpoint)
    const deadline = now() + REMOVAL_GRACE_MS
    while (endpoint.stats.inFlight > 0 && now() < deadline) await pause(100)
    await endpoint.connection.close()
    this.#retiring.delete(endpoint)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
