/** Takeovers under way, one per session. */
export class Adoptions {
  readonly #underWay = new Map<string, Promise<void>>()

  /** Runs `begin`, or waits for the one that runs. */
  run(localId: string, begin: () => Promise<void>): Promise<void> {
    const known = this.#underWay.get(localId)
    if (known) return known
    const begun = begin().finally(() => this.#underWay.delete(localId))
    this.#underWay.set(localId, begun)
    return begun
  }
}
