/** Remembered at once; beyond it nothing is taken until old ones are forgotten. */
const MAX_NONCES = 1_000_000

/** Remembers what was seen once for at least as long as it could be shown again. */
export class RecentNonces {
  readonly #keepMs: number
  readonly #now: () => number
  #turnsAt: number
  #current = new Set<string>()
  #previous = new Set<string>()

  /** @param keepMs milliseconds; what is older may be forgotten */
  constructor(keepMs: number, now: () => number) {
    this.#keepMs = keepMs
    this.#now = now
    this.#turnsAt = now() + keepMs
  }

  /** False for one that was seen before, and when there is no room to remember it. */
  add(nonce: string): boolean {
    this.#turn()
    if (this.#current.has(nonce) || this.#previous.has(nonce) || this.#current.size >= MAX_NONCES) return false
    this.#current.add(nonce)
    return true
  }

  #turn(): void {
    const now = this.#now()
    if (now < this.#turnsAt) return
    this.#previous = now < this.#turnsAt + this.#keepMs ? this.#current : new Set()
    this.#current = new Set()
    this.#turnsAt = now + this.#keepMs
  }
}
