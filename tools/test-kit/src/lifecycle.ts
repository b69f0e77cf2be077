/** Something a test started and must end. */
export interface Stoppable extends AsyncDisposable {
  /** Ends it and frees everything it holds; bounded in time, and safe to call again. */
  stop(): Promise<void>
}

/** Turns a stop function into one that runs once, for `await using` and for explicit calls alike. */
export function stoppable(stop: () => Promise<void>): Stoppable {
  let stopped: Promise<void> | undefined
  const once = (): Promise<void> => {
    stopped ??= stop()
    return stopped
  }
  return { stop: once, [Symbol.asyncDispose]: once }
}
