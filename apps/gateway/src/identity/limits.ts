import {
  addressBucket,
  matchesGlob,
  type RateDecision,
  RateLimiter,
  type RateLimitHeaders,
  rateLimitHeaders,
} from '@mcp-platform/auth'
import { GatewayError } from '@mcp-platform/gateway-core'
import type { RateRule, RateSubject } from './rate-rule.js'

/** Requests without a good credential that one address may send. Nobody needs many; whoever guesses does. */
const DEFAULT_UNAUTHENTICATED: RateRule = {
  subject: 'unauthenticated',
  pattern: '*',
  limit: 120,
  periodMs: 60_000,
}

interface Limit {
  readonly rule: RateRule
  readonly limiter: RateLimiter
}

/**
 * The limits of one process. Each counts per address, principal, template or tool by itself; a refused request costs
 * nothing, so a caller that waits as it was told gets through.
 */
export class Limits {
  readonly #limits: ReadonlyMap<RateSubject, readonly Limit[]>

  /** @param now milliseconds, monotonic */
  constructor(rules: readonly RateRule[], now?: () => number) {
    const all = rules.some(({ subject }) => subject === 'unauthenticated') ? rules : [...rules, DEFAULT_UNAUTHENTICATED]
    const limits = all.map((rule) => ({ rule, limiter: new RateLimiter({ ...rule, now }) }))
    this.#limits = Map.groupBy(limits, ({ rule }) => rule.subject)
  }

  /** This process's part of all limits: one divided by the processes that serve. */
  setShare(share: number): void {
    for (const limits of this.#limits.values()) for (const { limiter } of limits) limiter.setShare(share)
  }

  /** The rule for logins of one address, if the operator has set one. */
  get login(): RateRule | undefined {
    return this.#limits.get('login')?.[0]?.rule
  }

  /** A request, before anybody knows whose. @throws GatewayError RATE_LIMITED */
  request(address: string): void {
    const limits = this.#limits.get('address')
    if (limits !== undefined) take(limits, addressBucket(address))
  }

  /** A request whose credential was refused. @throws GatewayError RATE_LIMITED */
  refusal(address: string): void {
    take(this.#limits.get('unauthenticated') ?? [], addressBucket(address))
  }

  /**
   * A request of somebody.
   * @returns header fields that say what is left; undefined where nothing is limited
   * @throws GatewayError RATE_LIMITED
   */
  principal(id: string): RateLimitHeaders | undefined {
    const limits = this.#limits.get('principal')
    const decision = limits === undefined ? undefined : take(limits, id)
    return decision === undefined ? undefined : rateLimitHeaders(decision, 'principal')
  }

  /** Callers are limited: whoever is served is told what is left. */
  get tellsPrincipals(): boolean {
    return this.#limits.has('principal')
  }

  /** A call that is allowed. @throws GatewayError RATE_LIMITED */
  call(template: string, tool: string | undefined): void {
    const templates = this.#limits.get('template')
    if (templates !== undefined) take(templates, template, template)
    const tools = this.#limits.get('tool')
    if (tools === undefined || tool === undefined) return
    const name = `${template}/${tool}`
    take(tools, name, name)
  }
}

/** @returns the decision of the limit that is nearest to its end */
function take(limits: readonly Limit[], key: string, name = ''): RateDecision | undefined {
  let nearest: RateDecision | undefined
  for (const { rule, limiter } of limits) {
    if (rule.pattern !== '*' && !matchesGlob(rule.pattern, name)) continue
    const decision = limiter.take(key)
    if (!decision.allowed) throw limited(decision, rule.subject)
    if (nearest === undefined || decision.remaining < nearest.remaining) nearest = decision
  }
  return nearest
}

function limited(decision: RateDecision, policy: string): GatewayError {
  const { limit, periodMs, retryAfterMs } = decision
  const { ratelimit, 'ratelimit-policy': ratelimitPolicy } = rateLimitHeaders(decision, policy)
  return new GatewayError(
    'RATE_LIMITED',
    `more than ${limit} requests in ${periodMs / 1_000} s (limit "${policy}"); wait ${Math.ceil(retryAfterMs / 1_000)} s`,
    {
      executed: 'no',
      retryable: true,
      retryAfterMs: Math.max(retryAfterMs, 1),
      headers: { ratelimit, 'ratelimit-policy': ratelimitPolicy },
    },
  )
}
