import { setTimeout as sleep } from 'node:timers/promises'

/** What the work gives, or undefined when it takes longer than this, in milliseconds. The work is not ended. */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const end = new AbortController()
  // A timer that was not needed rejects, after the race.
  const late = sleep(ms, undefined, { signal: end.signal, ref: false }).catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    end.abort()
  }
}
