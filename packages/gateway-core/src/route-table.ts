import type { Registry, RegistryState, Template } from '@mcp-platform/core-registry'
import { GatewayError } from './errors.js'
import { Route, type RouteDependencies } from './route.js'

/** One {@link Route} per template, following the registry. */
export class RouteTable {
  readonly #routes = new Map<string, Route>()
  readonly #deps: RouteDependencies
  readonly #onRemoved: (template: string) => void
  readonly #retiring = new Set<Route>()
  #following = false
  #unsubscribe: (() => void) | undefined

  constructor(deps: RouteDependencies, onRemoved: (template: string) => void) {
    this.#deps = deps
    this.#onRemoved = onRemoved
  }

  /** Takes the registry's state and follows it from now on. */
  follow(registry: Registry): void {
    this.#apply(registry.state)
    this.#following = true
    this.#unsubscribe = registry.subscribe((state) => this.#apply(state))
  }

  find(template: string): Route | undefined {
    return this.#routes.get(template)
  }

  /** @throws GatewayError TEMPLATE_NOT_FOUND naming what there is */
  require(template: string): Route {
    const route = this.#routes.get(template)
    if (route) return route
    const known = [...this.#routes.keys()].slice(0, 10).join(', ') || 'none yet'
    throw new GatewayError('TEMPLATE_NOT_FOUND', `there is no template "${template}"; known: ${known}`, { template })
  }

  /** Routes by template name, in name order. */
  all(): Route[] {
    return [...this.#routes.values()].sort((a, b) => (a.template < b.template ? -1 : 1))
  }

  async close(): Promise<void> {
    this.#unsubscribe?.()
    await Promise.all([...this.all(), ...this.#retiring].map((route) => route.close()))
    this.#routes.clear()
  }

  #apply(state: RegistryState): void {
    for (const [name, route] of this.#routes) {
      if (state.templates.has(name)) continue
      this.#routes.delete(name)
      this.#onRemoved(name)
      void this.#retire(route)
    }
    for (const template of state.templates.values()) {
      const route = this.#routes.get(template.name)
      if (route) route.update(template)
      else this.#add(template)
    }
  }

  // The routes of the first state are started by the gateway, which waits for their probes; later ones start here.
  #add(template: Template): void {
    const route = new Route(template, this.#deps)
    this.#routes.set(template.name, route)
    if (this.#following) void route.health.start()
  }

  async #retire(route: Route): Promise<void> {
    this.#retiring.add(route)
    await route.retire()
    this.#retiring.delete(route)
  }
}
