/** A share of the calls under way may be repeated; a little is always allowed so that a quiet template can recover. */
const BUDGET_RATIO = 0.2
export const BUDGET_FLOOR = 3

/**
 * Bounds concurrent repeats of one template, so that a failing fleet is not finished off by its own retries
 * (Envoy's retry budget: 20 % of active, at least 3). Failover before anything was sent draws nothing.
 */
export class RetryBudget {
  readonly #floor: number
  #active = 0
  #retrying = 0

  /** `floor`: repeats that are always allowed. @default 3 */
  constructor(floor: number = BUDGET_FLOOR) {
    this.#floor = floor
  }

  enter(): void {
    this.#active++
  }

  leave(): void {
    this.#active--
  }

  /** True if one more repeat may start now; give it back with {@link RetryBudget.giveBack}. */
  tryDraw(): boolean {
    if (this.#retrying >= this.#active * BUDGET_RATIO + this.#floor) return false
    this.#retrying++
    return true
  }

  giveBack(count: number): void {
    this.#retrying -= count
  }
}
