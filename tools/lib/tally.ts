/** Counts what a check script found and ends it as .ci/run expects: details first, `N passed, N failed` last. */
export class Tally {
  #passed = 0
  readonly #failures: string[] = []

  pass(): void {
    this.#passed += 1
  }

  fail(what: string): void {
    this.#failures.push(what)
  }

  /** One check: passes without faults, else fails once per fault. */
  check(faults: readonly string[]): void {
    if (faults.length === 0) this.pass()
    for (const fault of faults) this.fail(fault)
  }

  /** Prints everything and sets the exit code. */
  finish(): void {
    for (const failure of this.#failures) console.error(`✗ ${failure}`)
    console.log(`${this.#passed} passed, ${this.#failures.length} failed`)
    process.exitCode = this.#failures.length === 0 ? 0 : 1
  }
}
