/** What one run of a load found. */
export interface Sample {
  readonly requests: number
  /** Answers that were not what they had to be, and lost connections. */
  readonly wrong: number
  /** The first wrong answer, for a person. */
  readonly firstWrong?: string | undefined
  readonly seconds: number
  readonly requestsPerSecond: number
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number }
}

/** Collects latencies and faults of one run. */
export class Recorder {
  readonly #latencies: number[] = []
  #wrong = 0
  #firstWrong: string | undefined

  right(latencyMs: number): void {
    this.#latencies.push(latencyMs)
  }

  wrong(what: string): void {
    this.#wrong += 1
    this.#firstWrong ??= what
  }

  finish(seconds: number): Sample {
    const sorted = Float64Array.from(this.#latencies).sort()
    return {
      requests: sorted.length,
      wrong: this.#wrong,
      firstWrong: this.#firstWrong,
      seconds,
      requestsPerSecond: sorted.length / seconds,
      latencyMs: { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? 0 },
    }
  }
}

/** The value below which this share of sorted numbers lies (nearest rank); 0 of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(Math.ceil(share * sorted.length), 1)
  return sorted[rank - 1] ?? 0
}
