/** Runs one thing after the other, in the order in which they were given. A failure does not stop the next. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.then(settled, settled)
    return turn
  }
}

function settled(): void {
  // Whoever gave the work hears of its failure; the next one need not.
}
