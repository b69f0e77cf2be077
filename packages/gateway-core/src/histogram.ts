// Upper bounds in milliseconds, about 25 % apart: a percentile is exact to one bucket.
const BOUNDS: readonly number[] = buildBounds()

function buildBounds(): number[] {
  const bounds: number[] = []
  for (let bound = 0.1; bound < 4_000_000; bound *= 1.25) bounds.push(bound)
  return bounds
}

/** Latency percentiles of a sum of recordings, in milliseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Fixed-bucket latency histogram: recording is a binary search and an increment, no allocation. */
export class Histogram {
  readonly #counts = new Uint32Array(BOUNDS.length + 1)
  #total = 0

  get total(): number {
    return this.#total
  }

  record(ms: number): void {
    const index = bucketOf(ms)
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
  }

  percentiles(): Percentiles {
    return { p50: this.#at(0.5), p95: this.#at(0.95), p99: this.#at(0.99) }
  }

  /** Bucket counts for merging over workers. */
  toJSON(): readonly number[] {
    return [...this.#counts]
  }

  add(counts: readonly number[]): void {
    counts.forEach((count, index) => {
      this.#counts[index] = (this.#counts[index] ?? 0) + count
      this.#total += count
    })
  }

  #at(ratio: number): number {
    if (this.#total === 0) return 0
    let left = Math.ceil(this.#total * ratio)
    for (let index = 0; index < this.#counts.length; index++) {
      left -= this.#counts[index] ?? 0
      if (left <= 0) return round(BOUNDS[Math.min(index, BOUNDS.length - 1)] ?? 0)
    }
    return 0
  }
}

function bucketOf(ms: number): number {
  let low = 0
  let high = BOUNDS.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((BOUNDS[middle] ?? 0) < ms) low = middle + 1
    else high = middle
  }
  return low
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
