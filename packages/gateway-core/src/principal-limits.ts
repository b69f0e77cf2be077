import { GatewayError } from './errors.js'

/**
 * Bounds how many calls one principal may have in flight, so that a single agent cannot take every slot of every
 * instance. Counts only; nothing waits here.
 */
export class PrincipalLimits {
  readonly #maxInFlight: number
  readonly #inFlight = new Map<string, number>()

  constructor(options: { maxInFlight: number }) {
    this.#maxInFlight = options.maxInFlight
  }

  /** @throws GatewayError RATE_LIMITED when the principal is at its cap. Pair with {@link PrincipalLimits.leave}. */
  enter(principalId: string): void {
    const count = this.#inFlight.get(principalId) ?? 0
    if (count >= this.#maxInFlight) {
      throw new GatewayError(
        'RATE_LIMITED',
        `${count} calls of ${principalId} are in flight already; wait for one to end`,
        {
          executed: 'no',
          retryable: true,
          retryAfterMs: 1_000,
        },
      )
    }
    this.#inFlight.set(principalId, count + 1)
  }

  leave(principalId: string): void {
    const count = (this.#inFlight.get(principalId) ?? 1) - 1
    if (count === 0) this.#inFlight.delete(principalId)
    else this.#inFlight.set(principalId, count)
  }
}
