import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 100

/** Looks at `condition` until it gives a value or the time is up; undefined then. */
export async function pollFor<T>(condition: () => Promise<T | undefined>, timeoutMs: number): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value !== undefined) return value
    if (performance.now() >= deadline) return undefined
    await sleep(POLL_MS)
  }
}
