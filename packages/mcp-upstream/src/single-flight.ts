interface Flight<T> {
  readonly promise: Promise<T>
  readonly stop: AbortController
  waiters: number
}

/** One run of a task for all who want it at the same time; it is aborted when the last of them has gone. */
export class SingleFlight<T> {
  #flight: Flight<T> | undefined

  /** Joins the run under way, or starts one. Rejects with `signal.reason` when the caller gives up first. */
  async run(task: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    this.#flight ??= this.#start(task)
    const flight = this.#flight
    flight.waiters += 1
    try {
      return await orAborted(flight.promise, signal)
    } finally {
      flight.waiters -= 1
      if (flight.waiters === 0) this.#leave(flight.stop)
    }
  }

  #start(task: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const stop = new AbortController()
    return { promise: task(stop.signal), stop, waiters: 0 }
  }

  #leave(stop: AbortController): void {
    if (this.#flight?.stop === stop) this.#flight = undefined
    stop.abort()
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
