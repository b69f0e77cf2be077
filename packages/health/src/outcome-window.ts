const BUCKETS = 10

/**
 * Counts calls and failures of the last `windowMs` in ten buckets of fixed length.
 * Exact counts over a fixed window do not depend on the rate, unlike a per-call average, which can hide an outage in a burst
 * (Linkerd, success-rate window).
 */
export class OutcomeWindow {
  readonly #bucketMs: number
  readonly #calls = new Uint32Array(BUCKETS)
  readonly #failures = new Uint32Array(BUCKETS)
  #tick = 0

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS
  }

  add(failed: boolean, nowMs: number): void {
    this.#forward(nowMs)
    const bucket = this.#tick % BUCKETS
    this.#calls[bucket] = (this.#calls[bucket] ?? 0) + 1
    if (failed) this.#failures[bucket] = (this.#failures[bucket] ?? 0) + 1
  }

  totals(nowMs: number): { calls: number; failures: number } {
    this.#forward(nowMs)
    return { calls: sum(this.#calls), failures: sum(this.#failures) }
  }

  clear(): void {
    this.#calls.fill(0)
    this.#failures.fill(0)
  }

  // Empties the buckets that the clock has passed since the last call.
  #forward(nowMs: number): void {
    const tick = Math.floor(nowMs / this.#bucketMs)
    const passed = Math.min(tick - this.#tick, BUCKETS)
    for (let step = 1; step <= passed; step++) {
      const bucket = (tick - passed + step) % BUCKETS
      this.#calls[bucket] = 0
      this.#failures[bucket] = 0
    }
    this.#tick = Math.max(tick, this.#tick)
  }
}

function sum(counts: Uint32Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
