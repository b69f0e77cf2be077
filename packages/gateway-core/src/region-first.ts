import type { Fitness, Report } from '@mcp-platform/balancer'
import type { RouteHealth } from './route-health.js'

/** Of an instance, what says where it is. Without a region it is everywhere: a child process runs where its node does. */
export interface Located {
  readonly id: string
  readonly region?: string | undefined
}

/** Between the ranks of what is available, 0, and of what fails, from 1 on. */
const FAR_AWAY = 0.5

/** What {@link RegionFirst} is made from. */
export interface RegionFirstOptions {
  /** Region of this node. */
  readonly region: string
  readonly health: RouteHealth
  /** The instances as they are now. */
  readonly instances: () => Iterable<Located>
}

/**
 * The fitness of a template's instances as a node in a region sees it: those of its own region and, only while none of
 * these is available, those of any other.
 */
export class RegionFirst implements Fitness {
  readonly #options: RegionFirstOptions
  #lookedAt = -1
  #own = new Set<string>()
  #ownAvailable = true

  constructor(options: RegionFirstOptions) {
    this.#options = options
  }

  get version(): number {
    return this.#options.health.version
  }

  isAvailable(id: string): boolean {
    if (!this.#options.health.isAvailable(id)) return false
    this.#look()
    return this.#own.has(id) || !this.#ownAvailable
  }

  share(id: string): number {
    return this.#options.health.share(id)
  }

  penalty(id: string): number {
    return this.#options.health.penalty?.(id) ?? 1
  }

  observe(id: string, report: Report): void {
    this.#options.health.observe?.(id, report)
  }

  acceptsPinned(id: string): boolean {
    return this.#options.health.acceptsPinned?.(id) ?? true
  }

  /** Before all that fail comes what is only too far away. */
  lastResort(id: string): number | undefined {
    return this.#options.health.isAvailable(id) ? FAR_AWAY : this.#options.health.lastResort(id)
  }

  /** The instances have changed. */
  changed(): void {
    this.#lookedAt = -1
  }

  /** True while it is kept for when nothing of this region is available. */
  isSpared(id: string): boolean {
    return this.#options.health.isAvailable(id) && !this.isAvailable(id)
  }

  /**
   * What a call must not be given that was tried on everything in its own region; undefined while there is something left
   * to try here, and when there is nothing in another region either.
   */
  beyond(tried: ReadonlySet<string>): ReadonlySet<string> | undefined {
    const { health, instances } = this.#options
    const left = [...instances()].filter(({ id }) => !tried.has(id))
    if (left.some(({ id }) => this.isAvailable(id)) || !left.some(({ id }) => this.isSpared(id))) return undefined
    return new Set([...tried, ...left.filter(({ id }) => !health.isAvailable(id)).map(({ id }) => id)])
  }

  #look(): void {
    const { health, instances, region } = this.#options
    if (this.#lookedAt === health.version) return
    this.#lookedAt = health.version
    const own = [...instances()].filter((instance) => instance.region === undefined || instance.region === region)
    this.#own = new Set(own.map(({ id }) => id))
    this.#ownAvailable = own.some(({ id }) => health.isAvailable(id))
  }
}
