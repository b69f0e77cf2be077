/** The same observer counts at most once in this time, in milliseconds. */
const ONCE_IN_MS = 10_000

/** Remembers who suspected a target, so that one caller with one bad tool cannot degrade it for everybody. */
export class SuspicionLog {
  readonly #lastMs = new Map<string, number>()

  /** True if a suspicion of this observer counts now. */
  admits(by: string, nowMs: number): boolean {
    this.#forgetOld(nowMs)
    if (this.#lastMs.has(by)) return false
    this.#lastMs.set(by, nowMs)
    return true
  }

  // Insertion order is time order: the scan stops at the first one that is young enough.
  #forgetOld(nowMs: number): void {
    for (const [by, atMs] of this.#lastMs) {
      if (nowMs - atMs < ONCE_IN_MS) return
      this.#lastMs.delete(by)
    }
  }
}
