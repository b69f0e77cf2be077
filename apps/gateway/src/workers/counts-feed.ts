import type { CallStats, Gateway, GatewayCounts } from '@mcp-platform/gateway-core'

/** Time between two reports, in milliseconds. */
const INTERVAL_MS = 1_000

/** Tells the primary each second what this worker has counted, as far as it changed. */
export class CountsFeed {
  readonly #gateway: Gateway
  readonly #told = new Map<string, string>()
  readonly #timer: NodeJS.Timeout

  constructor(gateway: Gateway, publish: (counts: GatewayCounts) => void) {
    this.#gateway = gateway
    this.#timer = setInterval(() => publish(this.take()), INTERVAL_MS)
    this.#timer.unref()
  }

  /** Counters without the instances that are as they were the last time. */
  take(): GatewayCounts {
    return this.#gateway.counts((template, id, stats) => this.#isNews(`${template}/${id}`, stats))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #isNews(key: string, { requests, errors, inFlight }: CallStats): boolean {
    const now = `${requests} ${errors} ${inFlight}`
    if (this.#told.get(key) === now) return false
    this.#told.set(key, now)
    return true
  }
}
