/** Time as the monitor sees it: a monotonic clock and one-shot timers. Injected, so that tests own the clock. */
export interface Scheduler {
  /** Milliseconds on a clock that never goes back. Its zero means nothing. */
  now(): number
  /** Runs `run` once, `delayMs` from now; returns the function that cancels it (calling it late or twice does nothing). */
  after(delayMs: number, run: () => void): () => void
}

/** `performance.now` and `setTimeout`. The timers never keep a process alive. */
export const systemScheduler: Scheduler = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    if (typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}
