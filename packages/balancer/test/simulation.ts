import type { Balancer, Endpoint, Lease, Report } from '../src/index.js'
import type { FakeClock } from './support.js'

/** How one call ends on an endpoint. */
export interface Ending {
  readonly report: Report
  readonly afterMs: number
}

export interface Traffic {
  readonly balancer: Balancer<Endpoint>
  readonly clock: FakeClock
  readonly random: () => number
  readonly callsPerSecond: number
  readonly ending: (id: string, nowMs: number) => Ending
}

/** One finished or refused call. */
export interface Call {
  readonly id: string
  readonly atMs: number
  readonly failed: boolean
}

interface InService {
  readonly lease: Lease<Endpoint>
  readonly report: Report
  readonly endsAtMs: number
}

/** Poisson arrivals for some time; the clock jumps from event to event. Calls still in service stay so for the next run. */
export class Simulation {
  readonly calls: Call[] = []
  readonly #traffic: Traffic
  #inService: InService[] = []

  constructor(traffic: Traffic) {
    this.#traffic = traffic
  }

  run(durationMs: number): Call[] {
    const { clock, random, callsPerSecond } = this.#traffic
    const endMs = clock.nowMs + durationMs
    const first = this.calls.length
    for (;;) {
      const arrivalMs = clock.nowMs + (-Math.log(1 - random()) * 1_000) / callsPerSecond
      this.#finishUntil(Math.min(arrivalMs, endMs))
      clock.nowMs = Math.min(arrivalMs, endMs)
      if (arrivalMs >= endMs) return this.calls.slice(first)
      this.#arrive()
    }
  }

  #arrive(): void {
    const { balancer, clock, ending } = this.#traffic
    const lease = balancer.tryAcquire()
    if (!lease) throw new Error('the simulated load is too high')
    const { report, afterMs } = ending(lease.endpoint.id, clock.nowMs)
    const latencyMs = report.outcome === 'success' ? afterMs : undefined
    this.#inService.push({ lease, report: { ...report, latencyMs }, endsAtMs: clock.nowMs + afterMs })
    this.calls.push({ id: lease.endpoint.id, atMs: clock.nowMs, failed: report.outcome === 'failure' })
  }

  #finishUntil(timeMs: number): void {
    const over = this.#inService.filter(({ endsAtMs }) => endsAtMs <= timeMs).sort((a, b) => a.endsAtMs - b.endsAtMs)
    this.#inService = this.#inService.filter(({ endsAtMs }) => endsAtMs > timeMs)
    for (const { lease, report, endsAtMs } of over) {
      this.#traffic.clock.nowMs = endsAtMs
      lease.release(report)
    }
  }
}

/** A log-normal time of this median, sigma 1 (mean 1.65 times the median). */
export function logNormal(medianMs: number, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return medianMs * Math.exp(normal)
}

export function shareOf(calls: readonly Call[], id: string): number {
  return calls.filter((call) => call.id === id).length / calls.length
}

export function errorRatioOf(calls: readonly Call[]): number {
  return calls.filter(({ failed }) => failed).length / calls.length
}
