import { remaining } from './decay.js'
import { clampRatio, type LatencyScale, MAX_RATIO } from './latency-scale.js'
import type { Report } from './report.js'

/** Time constant of latency (Finagle's and Linkerd's default). */
const LATENCY_TAU_MS = 10_000

/** Time constant of the error ratio. */
const ERROR_TAU_MS = 30_000

/** Calls without failure that everybody is credited with: one failure in two calls is not a half. */
const CREDITED_CALLS = 5

/** How long a failure makes an endpoint cool down unless a success comes first. */
const FAILURE_COOLING_MS = 10_000

/** What a refusal for load, or a failure in the peak average, stands for if no Retry-After came with it (Linkerd). */
const DEFAULT_PENALTY_MS = 5_000

/** No Retry-After counts for longer (Linkerd). */
const MAX_PENALTY_MS = 300_000

const NOT_COOLING: number = Number.NEGATIVE_INFINITY

/** Read only where the time matters: asking the clock costs as much as a pick. */
interface Clock {
  readonly nowMs: number
}

/** What the outcomes of its calls say about one endpoint. Nothing here needs a timer: figures decay when read. */
export class LearnedLoad {
  #ratio = 1
  #meanMs: number | undefined
  #latencyAtMs: number
  #peakMs = 0
  #peakAtMs: number
  #failures = 0
  #calls = 0
  #countedAtMs: number
  #coolsUntilMs = NOT_COOLING

  constructor(nowMs: number) {
    this.#latencyAtMs = nowMs
    this.#peakAtMs = nowMs
    this.#countedAtMs = nowMs
  }

  /** Smoothed milliseconds of its successes; undefined while none was measured. Stays while idle: it is for people. */
  get meanLatencyMs(): number | undefined {
    return this.#meanMs
  }

  /** Latency ratio relative to the level of all endpoints, decaying towards 1 while idle. */
  latency(clock: Clock, level: number): number {
    if (this.#ratio === level) return 1
    const left = remaining(clock.nowMs - this.#latencyAtMs, LATENCY_TAU_MS)
    return clampRatio(1 + (this.#ratio / level - 1) * left)
  }

  peakLatencyMs(clock: Clock): number {
    return this.#peakMs === 0 ? 0 : this.#peakMs * remaining(clock.nowMs - this.#peakAtMs, LATENCY_TAU_MS)
  }

  errorRatio(clock: Clock): number {
    if (this.#failures === 0) return 0
    const left = remaining(clock.nowMs - this.#countedAtMs, ERROR_TAU_MS)
    return (this.#failures * left) / (this.#calls * left + CREDITED_CALLS)
  }

  coolingDown(clock: Clock): boolean {
    return this.#coolsUntilMs !== NOT_COOLING && clock.nowMs < this.#coolsUntilMs
  }

  /** Learns from one call; the scale learns with it. */
  learn(report: Report, scale: LatencyScale, clock: Clock): void {
    if (report.outcome === 'cancelled') return
    const { nowMs } = clock
    switch (report.outcome) {
      case 'success':
        this.#count(0, nowMs)
        this.#coolsUntilMs = NOT_COOLING
        if (isMeasured(report.latencyMs))
          this.#succeed(report.latencyMs, scale.learn(report.latencyMs, kindOf(report), nowMs), nowMs)
        return
      case 'failure':
        this.#count(1, nowMs)
        this.#coolsUntilMs = nowMs + FAILURE_COOLING_MS
        this.#punish(report, scale, nowMs)
        return
      case 'overloaded':
        this.#coolsUntilMs = nowMs + penaltyMs(report)
        this.#punish({ ...report, retryAfterMs: penaltyMs(report) }, scale, nowMs)
        return
    }
  }

  // Smooth both ways: reacting to peaks of successes costs median latency at high load and gains nothing (simulated).
  #succeed(latencyMs: number, ratio: number, nowMs: number): void {
    const left = remaining(nowMs - this.#latencyAtMs, LATENCY_TAU_MS)
    this.#ratio = ratio + (this.#ratio - ratio) * left
    this.#meanMs = latencyMs + ((this.#meanMs ?? latencyMs) - latencyMs) * left
    this.#latencyAtMs = nowMs
    this.#observePeak(latencyMs, nowMs)
  }

  // The latency jumps: an endpoint that fails fast must never look fast.
  #punish(report: Report, scale: LatencyScale, nowMs: number): void {
    const asked = isMeasured(report.retryAfterMs) ? scale.ratioOf(report.retryAfterMs, kindOf(report)) : MAX_RATIO
    this.#ratio = Math.max(this.latency({ nowMs }, scale.level), asked) * scale.level
    this.#latencyAtMs = nowMs
    this.#observePeak(penaltyMs(report), nowMs)
  }

  // Finagle: up at once, down slowly.
  #observePeak(latencyMs: number, nowMs: number): void {
    const left = remaining(nowMs - this.#peakAtMs, LATENCY_TAU_MS)
    this.#peakMs = Math.max(latencyMs, latencyMs * (1 - left) + this.#peakMs * left)
    this.#peakAtMs = nowMs
  }

  #count(failures: number, nowMs: number): void {
    const left = remaining(nowMs - this.#countedAtMs, ERROR_TAU_MS)
    this.#failures = this.#failures * left + failures
    this.#calls = this.#calls * left + 1
    this.#countedAtMs = nowMs
  }
}

function kindOf({ kind }: Report): string {
  return kind ?? ''
}

function penaltyMs({ retryAfterMs }: Report): number {
  return isMeasured(retryAfterMs) ? Math.min(retryAfterMs, MAX_PENALTY_MS) : DEFAULT_PENALTY_MS
}

// Reports are made from clocks and headers of others; a figure that is none teaches nothing.
function isMeasured(ms: number | undefined): ms is number {
  return ms !== undefined && ms >= 0 && ms < Number.POSITIVE_INFINITY
}
