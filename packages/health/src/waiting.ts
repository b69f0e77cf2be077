import type { Scheduler } from './scheduler.js'

/** Waits for a promise, but no longer than until the signal aborts. @throws the signal's reason */
export async function untilAborted<V>(promise: Promise<V>, signal: AbortSignal | undefined): Promise<V> {
  if (signal === undefined) return await promise
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits for a promise, but no longer than `limitMs`; resolves either way. */
export async function atMost(promise: Promise<unknown>, limitMs: number, scheduler: Scheduler): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>()
  const cancelTimer = scheduler.after(limitMs, resolve)
  await Promise.race([promise, limit]).finally(cancelTimer)
}
