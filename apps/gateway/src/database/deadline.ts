/** The connection to the database is lost, or nothing came over it in time. */
export class DatabaseConnectionError extends Error {
  override readonly name = 'DatabaseConnectionError'
  readonly code = 'DATABASE_CONNECTION'
}

/** The server ends a statement itself first; what is later than this is a connection over which nothing comes. */
export const NETWORK_GRACE_MS = 1_000

/**
 * Waits for `work` as long as `ms`; then calls `onLate` and rejects. `work` goes on: `onLate` must end it, and `onAfter`
 * takes what it brings after all.
 * @throws DatabaseConnectionError
 */
export async function within<T>(
  ms: number,
  work: Promise<T>,
  late: { readonly what: string; readonly onLate?: (() => void) | undefined; readonly onAfter?: (value: T) => void },
): Promise<T> {
  const deadline = Promise.withResolvers<never>()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    deadline.reject(new DatabaseConnectionError(`${late.what} took longer than ${ms} ms`))
    late.onLate?.()
  }, ms)
  const watched = work.then((value) => {
    if (isLate) late.onAfter?.(value)
    return value
  })
  // Too late to be told: the caller has the deadline's error.
  watched.catch(() => undefined)
  try {
    return await Promise.race([watched, deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}
