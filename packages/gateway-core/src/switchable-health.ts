import type { Report } from '@mcp-platform/balancer'
import type { AdminState, HealthStats, ProbeResult, TargetView } from '@mcp-platform/health'
import type { HealthTarget, RouteHealth } from './route-health.js'

/**
 * A route's health whose monitor can be exchanged while calls go on: new settings get a monitor of their own, and it
 * takes over only when it has probed every instance once, so that a changed interval takes nobody out of service.
 */
export class SwitchableHealth implements RouteHealth {
  #current: RouteHealth
  #next: RouteHealth | undefined
  #versionBase = 0
  #closed = false

  constructor(first: RouteHealth) {
    this.#current = first
  }

  /** Lets another monitor take over as soon as it knows every instance. One that was still waiting is given up. */
  replace(next: RouteHealth): void {
    const waiting = this.#next
    this.#next = next
    void waiting?.close()
    void next.start().then(
      () => this.#takeOver(next),
      () => next.close(),
    )
  }

  get version(): number {
    return this.#versionBase + this.#current.version
  }

  start(): Promise<void> {
    return this.#current.start()
  }

  isAvailable(id: string): boolean {
    return this.#current.isAvailable(id)
  }

  share(id: string): number {
    return this.#current.share(id)
  }

  penalty(id: string): number {
    return this.#current.penalty?.(id) ?? 1
  }

  observe(id: string, report: Report): void {
    this.#current.observe?.(id, report)
  }

  acceptsPinned(id: string): boolean {
    return this.#current.acceptsPinned?.(id) ?? true
  }

  lastResort(id: string): number | undefined {
    return this.#current.lastResort(id)
  }

  update(targets: readonly HealthTarget[]): void {
    this.#current.update(targets)
    this.#next?.update(targets)
  }

  setAdmin(id: string, admin: AdminState): void {
    this.#current.setAdmin(id, admin)
    this.#next?.setAdmin(id, admin)
  }

  probeNow(id: string): Promise<ProbeResult> {
    return this.#current.probeNow(id)
  }

  suspect(id: string, cause: string, by?: string): void {
    this.#current.suspect(id, cause, by)
  }

  view(id: string): TargetView | undefined {
    return this.#current.view(id)
  }

  stats(): HealthStats {
    return this.#current.stats()
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([this.#current.close(), this.#next?.close()])
  }

  #takeOver(next: RouteHealth): void {
    if (this.#closed || this.#next !== next) return
    const previous = this.#current
    // The balancer rebuilds its lists when the version grows, so it must not fall with the new monitor's count.
    this.#versionBase += previous.version + 1
    this.#current = next
    this.#next = undefined
    void previous.close()
  }
}
