/** Waits for `promise`, at most until `signal` aborts; then rejects with its reason. The work itself goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

/**
 * Waits for `promise` at most `ms` milliseconds; tells whether it settled in time.
 * The timer keeps the process alive, since what it bounds (the end of a child) must not be left half done.
 */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: elapsed, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), ms)
  try {
    return await Promise.race([promise.then(isTrue, isTrue), elapsed])
  } finally {
    clearTimeout(timer)
  }
}

function isTrue(): true {
  return true
}
