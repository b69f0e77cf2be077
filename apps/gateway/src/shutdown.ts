import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '@mcp-platform/gateway-core'
import type { EventHub } from './events/hub.js'
import type { Listeners } from './http/listeners.js'
import type { Logger } from './log/logger.js'
import type { NodeHops } from './nodes/node-hops.js'
import type { Readiness } from './readiness.js'
import type { Teardown } from './teardown.js'
import type { ControlPlane } from './workers/control-plane.js'

/** Calls under way may take this long to end by themselves (BALANCING.md, Drain and shutdown). */
const GRACE_MS = 30_000

interface ShutdownParts {
  readonly readiness: Readiness
  readonly hub: EventHub
  readonly gateway: Gateway
  /** The processes that serve calls; absent: this one does. */
  readonly workers?: Pick<ControlPlane, 'drain'> | undefined
  /** What goes to other nodes. */
  readonly hops?: Pick<NodeHops, 'untilIdle'> | undefined
  readonly listeners: Listeners
  readonly teardown: Teardown
  readonly drainDelayMs: number
  readonly log: Logger
}

/** Stops a gateway without losing a call: not ready, serve on a while, accept nothing new, let calls end, release all. */
export class Shutdown {
  readonly closed: Promise<void>
  readonly #parts: ShutdownParts
  readonly #hurry = new AbortController()
  readonly #done = Promise.withResolvers<void>()
  #begun = false

  constructor(parts: ShutdownParts) {
    this.#parts = parts
    this.closed = this.#done.promise
  }

  /** Closes when the signal aborts. */
  follow(signal: AbortSignal | undefined): void {
    if (signal === undefined) return
    const begin = (): void => void this.close()
    if (signal.aborted) begin()
    else signal.addEventListener('abort', begin, { once: true })
  }

  /** Begins; a second call skips every wait. */
  close(): Promise<void> {
    if (this.#begun) this.#hurry.abort()
    else {
      this.#begun = true
      void this.#run()
    }
    return this.closed
  }

  async #run(): Promise<void> {
    const { readiness, hub, gateway, workers, hops, listeners, teardown, log } = this.#parts
    readiness.stop()
    log.info({ inFlight: gateway.inFlight }, 'gateway is shutting down')
    await this.#serveOn()
    const grace = { graceMs: GRACE_MS, hurry: this.#hurry.signal }
    hub.close()
    // Until they have ended, workers need what the primary answers and lends.
    await workers?.drain(grace)
    const stopped = listeners.stop()
    await Promise.all([gateway.close(grace), hops?.untilIdle(GRACE_MS, this.#hurry.signal)])
    listeners.cut()
    await stopped
    log.info('gateway has stopped')
    await teardown.run((what, err) => log.error({ err }, `${what} could not be closed cleanly`))
    this.#done.resolve()
  }

  async #serveOn(): Promise<void> {
    const { drainDelayMs } = this.#parts
    if (drainDelayMs === 0) return
    const waited = sleep(drainDelayMs, undefined, { signal: this.#hurry.signal })
    // Only a second call aborts it, to skip ahead.
    await waited.catch(() => undefined)
  }
}
