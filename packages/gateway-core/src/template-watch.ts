import type { Route } from './route.js'
import type { RouteTable } from './route-table.js'

/** Time between two looks at which templates there are, in milliseconds; looked at only while somebody wants to know. */
const LOOK_MS = 1_000

/** Tells when templates come and go, and when it becomes known what a template's servers offer. */
export class TemplateWatch {
  readonly #routes: RouteTable
  readonly #listeners = new Set<() => void>()
  #known = ''
  #timer: NodeJS.Timeout | undefined

  constructor(routes: RouteTable) {
    this.#routes = routes
  }

  /** Calls `changed` at each change until the signal aborts. */
  follow(changed: () => void, signal: AbortSignal): void {
    if (signal.aborted) return
    if (this.#listeners.size === 0) this.#start()
    this.#listeners.add(changed)
    signal.addEventListener('abort', () => this.#forget(changed), { once: true })
  }

  #start(): void {
    this.#known = this.#look()
    this.#timer = setInterval(() => this.#compare(), LOOK_MS).unref()
  }

  #forget(listener: () => void): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) clearInterval(this.#timer)
  }

  #compare(): void {
    const now = this.#look()
    if (now === this.#known) return
    this.#known = now
    for (const listener of [...this.#listeners]) listener()
  }

  #look(): string {
    return this.#routes
      .all()
      .map((route) => `${route.template} ${isKnown(route)}`)
      .join('\n')
  }
}

function isKnown(route: Route): boolean {
  for (const { connection } of route.endpoints()) if (connection.identity) return true
  return false
}
