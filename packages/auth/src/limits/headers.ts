import type { RateDecision } from './gcra.js'

/** Header fields of a decision: `RateLimit`, `RateLimit-Policy` (IETF draft), and `Retry-After` when it was refused. */
export interface RateLimitHeaders {
  readonly ratelimit: string
  readonly 'ratelimit-policy': string
  readonly 'retry-after'?: string | undefined
}

/** @param policy name of the limit: letters, digits, `-` and `_` */
export function rateLimitHeaders(decision: RateDecision, policy: string): RateLimitHeaders {
  const { allowed, limit, periodMs, remaining, resetMs, retryAfterMs } = decision
  const wait = allowed ? {} : { 'retry-after': String(Math.max(1, seconds(retryAfterMs))) }
  return {
    ratelimit: `"${policy}";r=${Math.max(0, remaining)};t=${seconds(allowed ? resetMs : retryAfterMs)}`,
    'ratelimit-policy': `"${policy}";q=${limit};w=${seconds(periodMs)}`,
    ...wait,
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
