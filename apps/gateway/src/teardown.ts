/** What was acquired, to be released in reverse order. Every step runs, whatever the others do. */
export class Teardown {
  readonly #steps: { readonly what: string; readonly release: () => void | Promise<void> }[] = []

  defer(what: string, release: () => void | Promise<void>): void {
    this.#steps.push({ what, release })
  }

  /** Releases everything; `onError` is told of each step that failed. */
  async run(onError: (what: string, error: unknown) => void): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.release()
      } catch (error) {
        onError(step.what, error)
      }
    }
  }
}
