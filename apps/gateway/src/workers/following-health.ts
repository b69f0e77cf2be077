import type { HealthTarget, RouteHealth, WatchOptions } from '@mcp-platform/gateway-core'
import { HealthMonitor, type ProbeResult } from '@mcp-platform/health'
import { monitoredHealth } from './monitored-health.js'
import type { InstanceName, Verdict } from './protocol.js'

/** Asks the primary about an instance. */
export type AskPrimary = (question: InstanceName & { readonly urgent: boolean }) => Promise<Verdict>

/** The primary answers at the latest when its own probe has timed out; this much may come on top, in milliseconds. */
const SLACK_MS = 2_000

/**
 * The health of a template in a worker. Calls are judged here, by circuits of this process; what probes find is asked
 * of the primary, which has applied its thresholds already: its word holds at once.
 */
export class FollowingHealth {
  /** What the routes of the worker use. */
  readonly route: RouteHealth
  readonly #monitor: HealthMonitor<HealthTarget>
  readonly #options: WatchOptions
  readonly #ask: AskPrimary
  readonly #urgent = new Set<string>()

  constructor(options: WatchOptions, ask: AskPrimary) {
    const { template, settings } = options
    this.#options = options
    this.#ask = ask
    this.#monitor = new HealthMonitor<HealthTarget>({
      group: template.name,
      targets: template.instances.map(({ id, generation }) => ({ id, generation })),
      probe: ({ id }) => this.#probe(id),
      intervalMs: settings.healthCheckIntervalMs,
      timeoutMs: settings.healthCheckTimeoutMs + SLACK_MS,
      fall: 1,
      rise: 1,
      circuits: options.circuits,
      random: options.random,
      onEvent: (event) => options.onEvent({ type: 'health', template: template.name, event }),
    })
    this.route = monitoredHealth(this.#monitor, {
      probeNow: (id) => {
        this.#urgent.add(id)
        return this.#monitor.probeNow(id)
      },
      suspect: (id, cause, by) => this.#suspect(id, cause, by),
    })
  }

  /** The primary says that something has changed. */
  refresh(id: string): void {
    if (this.#monitor.view(id) !== undefined) this.#probeSoon(id)
  }

  // One probe that fails makes the call a failure, but does not make the instance unfit: the primary counts to three.
  #suspect(id: string, cause: string, by?: string): void {
    this.#ask({ template: this.#options.template.name, id, urgent: true }).then(
      ({ passed }) => {
        if (passed) this.#monitor.suspect(id, cause, by)
        else this.#monitor.observe(id, { outcome: 'failure', hard: true })
      },
      // Without a primary this process ends anyway.
      () => undefined,
    )
  }

  async #probe(id: string): Promise<ProbeResult> {
    const onTrial = (this.#monitor.view(id)?.circuit.state ?? 'closed') !== 'closed'
    const urgent = this.#urgent.delete(id) || onTrial
    const {
      state,
      reason = 'the probe failed',
      passed,
    } = await this.#ask({
      template: this.#options.template.name,
      id,
      urgent,
    })
    if (state === 'fit' && (passed || !onTrial)) return { verdict: 'fit' }
    // The server may be another one when it is back: its era is found out anew.
    this.#options.endpointOf(id)?.connection.forget()
    return { verdict: state === 'fit' ? 'unfit' : state, reason }
  }

  // What is found shows in the instance's health; that the instance was removed meanwhile needs no answer.
  #probeSoon(id: string): void {
    this.#monitor.probeNow(id).catch(() => undefined)
  }
}
