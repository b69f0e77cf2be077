import { Histogram } from './histogram.js'

/** Counters of one instance, template or gateway. Plain numbers on the hot path; views render them on demand. */
export class CallStats {
  requests = 0
  errors = 0
  inFlight = 0
  readonly latency: Histogram = new Histogram()

  begin(): void {
    this.requests++
    this.inFlight++
  }

  /** Counts something that was asked for and not had, when nobody measured how long that took. */
  failed(): void {
    this.requests++
    this.errors++
  }

  end(failed: boolean, durationMs: number): void {
    this.inFlight--
    if (failed) this.errors++
    this.latency.record(durationMs)
  }

  /** Share of failed requests, 0..1. */
  get errorRatio(): number {
    return this.requests === 0 ? 0 : this.errors / this.requests
  }
}
