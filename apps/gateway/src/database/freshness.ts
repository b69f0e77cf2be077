/** What {@link Freshness} is made from. */
export interface FreshnessOptions {
  /** Region of this node; without one it serves from what it knows for as long as it takes. */
  readonly region: string | undefined
  /** How long what is known may be served after it was last read, in milliseconds. */
  readonly maxStaleMs: number
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: (() => number) | undefined
}

/**
 * Knows whether what is known may still be served: a region that is cut off from the database must not go on for ever with
 * servers, rights and limits that have changed elsewhere.
 */
export class Freshness {
  readonly #options: FreshnessOptions
  readonly #now: () => number
  #confirmedAt: number

  constructor(options: FreshnessOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#confirmedAt = this.#now()
  }

  /** The database was read: what is known is true. */
  confirm(): void {
    this.#confirmedAt = this.#now()
  }

  /** Why nothing may be served any more; undefined while it may. */
  readonly reason = (): string | undefined => {
    const { region, maxStaleMs } = this.#options
    if (region === undefined || this.#now() - this.#confirmedAt <= maxStaleMs) return undefined
    return `region "${region}" has been cut off from the database for more than ${maxStaleMs / 1_000} s`
  }
}
