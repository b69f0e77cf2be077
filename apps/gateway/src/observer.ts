import type { RegistryEvent } from '@mcp-platform/core-registry'
import type { GatewayEvent } from '@mcp-platform/gateway-core'
import type { EventHub } from './events/hub.js'
import { toWire } from './events/wire.js'
import type { AppEvent } from './http/app.js'
import { describeIdentity, type IdentityEvent } from './identity/events.js'
import { describeApp, describeGatewayEvent, describeSync } from './log/describe-event.js'
import type { LogLine } from './log/log-line.js'
import type { Logger } from './log/logger.js'
import type { CircuitSaver } from './registry/circuit-saver.js'
import type { SyncEvent } from './registry/sync.js'
import { describeFleet, type FleetEvent } from './workers/events.js'

/** Takes the events of all parts to the log, to the readers of `/gateway/events`, and circuits to the database. */
export class Observer {
  readonly #log: Logger
  readonly #hub: EventHub
  readonly #circuits: CircuitSaver

  constructor(log: Logger, hub: EventHub, circuits: CircuitSaver) {
    this.#log = log
    this.#hub = hub
    this.#circuits = circuits
  }

  readonly gateway = (event: GatewayEvent): void => {
    // The hot path: most events are a call's, and nobody reads them at the default level.
    if (event.type === 'call' && !this.#log.isLevelEnabled('debug')) return
    this.#write(describeGatewayEvent(event))
    if (event.type === 'health') this.#circuits.observe(event.event)
    const wire = toWire(event, new Date())
    if (wire !== undefined) this.#hub.publish(wire)
  }

  readonly registry = (event: RegistryEvent): void => this.gateway({ type: 'registry', event })

  readonly sync = (event: SyncEvent): void => this.#write(describeSync(event))

  readonly fleet = (event: FleetEvent): void => this.#write(describeFleet(event))

  readonly identity = (event: IdentityEvent): void => this.#write(describeIdentity(event))

  readonly app = (event: AppEvent): void => this.#write(describeApp(event))

  #write({ level, message, facts }: LogLine): void {
    if (this.#log.isLevelEnabled(level)) this.#log[level](facts, message)
  }
}
