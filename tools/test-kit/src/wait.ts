import { setTimeout as sleep } from 'node:timers/promises'
import { TestKitTimeoutError } from './errors.js'

/** How {@link waitFor} waits. */
export interface WaitOptions {
  /** Gives up after this many milliseconds: a bound, not an expectation, so leave it. @default 60_000 */
  readonly timeoutMs?: number | undefined
  /** Pause between two looks, in milliseconds. @default 10 */
  readonly pollMs?: number | undefined
  /** Named in the error: "<what> within 60000 ms". */
  readonly what?: string | undefined
}

// Processes start, statements are tried again and children are replaced meanwhile, on machines where everything takes ten times as long.
const DEFAULT_TIMEOUT_MS = 60_000

/**
 * Looks at `predicate` until it answers something truthy, and returns that.
 * A predicate that throws counts as "not yet"; the last error is the cause of the timeout.
 * @throws TestKitTimeoutError when the time is up.
 */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  { timeoutMs = DEFAULT_TIMEOUT_MS, pollMs = 10, what = 'the condition did not become true' }: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const look = await attempt(predicate)
    if (isTruthy(look.value)) return look.value
    if (performance.now() >= deadline) throw new TestKitTimeoutError(what, timeoutMs, look.error)
    await sleep(pollMs)
  }
}

function isTruthy<T>(value: T | undefined): value is Exclude<T, undefined | null | false | 0 | ''> {
  return Boolean(value)
}

async function attempt<T>(predicate: () => T | Promise<T>): Promise<{ value?: T; error?: unknown }> {
  try {
    return { value: await predicate() }
  } catch (error) {
    return { error }
  }
}
