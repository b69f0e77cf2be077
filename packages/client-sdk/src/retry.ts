import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayError, GatewayUnreachableError } from './errors.js'

/** First pause at most; doubles with every attempt. */
const BASE_DELAY_MS = 100
const MAX_DELAY_MS = 2_000
/** A gateway that asks for a longer pause is not waited for. */
const MAX_RETRY_AFTER_MS = 5_000

/** What may be repeated: `reads` change nothing; a `call` only where it certainly did not run; `never` anything else. */
export type RetryClass = 'read' | 'call' | 'never'

/** How often and how. */
export interface RetryOptions {
  readonly maxRetries: number
  readonly retryClass: RetryClass
  readonly random: () => number
  readonly signal?: AbortSignal | undefined
}

/** Runs `attempt`, again after failures that the class allows to repeat; full jitter between. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await attempt()
    } catch (error) {
      const delayMs = retries < options.maxRetries ? retryDelay(error, retries, options) : undefined
      if (delayMs === undefined) throw error
      await pause(delayMs, options.signal)
    }
  }
}

/** Milliseconds to wait before the next attempt; undefined: there is none. */
function retryDelay(error: unknown, retries: number, options: RetryOptions): number | undefined {
  if (!mayRepeat(error, options.retryClass)) return undefined
  const jittered = options.random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** retries)
  const asked = error instanceof GatewayError ? (error.retryAfterMs ?? 0) : 0
  return asked > MAX_RETRY_AFTER_MS ? undefined : Math.max(asked, jittered)
}

function mayRepeat(error: unknown, retryClass: RetryClass): boolean {
  if (retryClass === 'never') return false
  if (error instanceof GatewayUnreachableError) return retryClass === 'read' || error.executed === 'no'
  if (!(error instanceof GatewayError)) return false
  if (retryClass === 'call') return error.executed === 'no' && error.retryable
  return error.status === 503 || error.status === 429
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error
  }
}
