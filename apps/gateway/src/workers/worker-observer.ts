import type { GatewayEvent } from '@mcp-platform/gateway-core'
import { describeIdentity, type IdentityEvent } from '../identity/events.js'
import { describeGatewayEvent } from '../log/describe-event.js'
import { type Logger, write } from '../log/logger.js'
import { describeHop, type HopEvent } from '../nodes/hop-event.js'
import { STAYED_COLD } from '../warm-up/warm-up.js'
import type { CircuitStep } from './protocol.js'

/**
 * Takes the events of a worker to the log, and the steps of its circuits to the primary, which logs, publishes and
 * stores them. What the primary sees itself (probes, statuses, the registry) is not said twice.
 */
export class WorkerObserver {
  readonly #log: Logger
  readonly #onCircuit: (step: CircuitStep) => void

  constructor(log: Logger, onCircuit: (step: CircuitStep) => void) {
    this.#log = log
    this.#onCircuit = onCircuit
  }

  readonly identity = (event: IdentityEvent): void => {
    const { level, message, facts } = describeIdentity(event)
    if (this.#log.isLevelEnabled(level)) this.#log[level](facts, message)
  }

  readonly hop = (event: HopEvent): void => write(this.#log, describeHop(event))

  /** It could not warm up, and serves all the same. */
  readonly stayedCold = (err: unknown): void => this.#log.warn({ err }, STAYED_COLD)

  readonly gateway = (event: GatewayEvent): void => {
    if (event.type === 'call' && !this.#log.isLevelEnabled('debug')) return
    if (event.type === 'health' && event.event.type === 'circuit') {
      this.#onCircuit({ template: event.template, event: event.event })
      return
    }
    if (event.type === 'registry' || (event.type === 'health' && SEEN_BY_PRIMARY.has(event.event.type))) return
    const { level, message, facts } = describeGatewayEvent(event)
    if (this.#log.isLevelEnabled(level)) this.#log[level](facts, message)
  }
}

const SEEN_BY_PRIMARY: ReadonlySet<string> = new Set(['probe', 'status', 'removed'])
