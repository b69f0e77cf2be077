import { remaining } from './decay.js'

/** Time constant of what a kind of call usually takes: slow, so that one bad minute does not become the usual. */
const BASE_TAU_MS = 300_000

/** Time constant of the level: faster than the base, slower than one endpoint's own latency. */
const LEVEL_TAU_MS = 30_000

/** Latencies below are equal: a scheduler's noise is not the endpoint's. */
const FLOOR_MS = 1

const MIN_RATIO = 0.05

/** The largest latency ratio, and what a failure is observed as. */
export const MAX_RATIO = 50

/** Kinds that are remembered at least; about twice as many at most. Kinds come from callers and must not fill memory. */
const KINDS_KEPT = 256

interface Average {
  value: number
  count: number
  atMs: number
}

/**
 * Makes latencies of different kinds of call comparable: 1 = as long as this kind usually takes, over all endpoints of one
 * balancer. Tools differ by orders of magnitude, and an endpoint must not look slow because it got the slow tool.
 */
export class LatencyScale {
  /** Kinds seen lately, and those before: a generation is dropped whole, which is nearly LRU at the price of a lookup. */
  #recent = new Map<string, Average>()
  #older = new Map<string, Average>()
  readonly #level: Average

  constructor(nowMs: number) {
    this.#level = { value: 1, count: 1, atMs: nowMs }
  }

  /**
   * Ratio of recent successes over all endpoints: 1 in the long run. Endpoints are compared with it and not with a constant
   * 1; else, whenever everything became faster, the endpoint at work would look better than all idle ones for minutes.
   */
  get level(): number {
    return this.#level.value
  }

  /** Learns a success; returns its ratio to what was usual before it. */
  learn(latencyMs: number, kind: string, nowMs: number): number {
    const measured = Math.max(latencyMs, FLOOR_MS)
    const base = this.#find(kind) ?? this.#remember(kind, { value: measured, count: 0, atMs: nowMs })
    const ratio = clampRatio(measured / base.value)
    average(base, measured, { nowMs, tauMs: BASE_TAU_MS })
    average(this.#level, ratio, { nowMs, tauMs: LEVEL_TAU_MS })
    return ratio
  }

  /** Ratio of a span of time to what is usual for the kind; the largest one while nothing is known. */
  ratioOf(spanMs: number, kind: string): number {
    const base = this.#find(kind)
    return base === undefined ? MAX_RATIO : clampRatio(spanMs / base.value)
  }

  #find(kind: string): Average | undefined {
    const recent = this.#recent.get(kind)
    if (recent !== undefined) return recent
    const older = this.#older.get(kind)
    return older === undefined ? undefined : this.#remember(kind, older)
  }

  #remember(kind: string, average: Average): Average {
    if (this.#recent.size >= KINDS_KEPT) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(kind, average)
    return average
  }
}

// Time-weighted, but a plain mean of the first few: the very first call, often the slowest, must not be the measure for minutes.
function average(of: Average, value: number, { nowMs, tauMs }: { nowMs: number; tauMs: number }): void {
  of.count++
  const part = Math.max(1 / of.count, 1 - remaining(nowMs - of.atMs, tauMs))
  of.value += (value - of.value) * part
  of.atMs = Math.max(of.atMs, nowMs)
}

/** Within 0.05..50: one call, however slow, must not outweigh a failure. */
export function clampRatio(ratio: number): number {
  return Math.min(MAX_RATIO, Math.max(MIN_RATIO, ratio))
}
