import type { Registry, RegistryState, Template } from '@mcp-platform/core-registry'
import { GatewayError } from './errors.js'
import { Route, type RouteDependencies } from './route.js'

/** Who hears of changes. */
export interface RouteTableListener {
  /** A template is gone, or has other servers than before. */
  replaced(template: string): void
  /** A template is gone, and what it had under way has ended. */
  gone(template: string): void
}

/** One {@link Route} per template, following the registry. */
export class RouteTable {
  readonly #routes = new Map<string, Route>()
  readonly #deps: RouteDependencies
  readonly #listener: RouteTableListener
  readonly #retiring = new Set<Route>()
  #following = false
  #unsubscribe: (() => void) | undefined

  constructor(deps: RouteDependencies, listener: RouteTableListener) {
    this.#deps = deps
    this.#listener = listener
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

  /** @throws GatewayError TEMPLATE_NOT_FOUND; it names no others: the caller may not see them all */
  require(template: string): Route {
    const route = this.#routes.get(template)
    if (route) return route
    throw new GatewayError('TEMPLATE_NOT_FOUND', `there is no template "${template}"`, { template })
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
      this.#listener.replaced(name)
      void this.#retire(route)
    }
    for (const template of state.templates.values()) {
      const route = this.#routes.get(template.name)
      if (route) this.#update(route, template)
      else this.#add(template)
    }
  }

  // Another server may offer something else.
  #update(route: Route, template: Template): void {
    const before = serversOf(route)
    route.update(template)
    if (serversOf(route) !== before) this.#listener.replaced(template.name)
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
    // Another one may have come in its place.
    if (!this.#routes.has(route.template)) this.#listener.gone(route.template)
  }
}

function serversOf(route: Route): string {
  return [...route.endpoints()].map(({ id, generation }) => `${id} ${generation}`).join('\n')
}
