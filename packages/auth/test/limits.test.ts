import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { RateLimiter, rateLimitHeaders } from '../src/index.js'

function limiter(options: { limit: number; periodMs: number; burst?: number; maxKeys?: number }) {
  const clock = { ms: 0 }
  return { clock, limiter: new RateLimiter({ ...options, now: () => clock.ms }) }
}

describe('a rate limiter', () => {
  it('lets the burst through at once, then one per interval, and says when', () => {
    const { clock, limiter: calls } = limiter({ limit: 3, periodMs: 3_000 })
    expect([1, 2, 3, 4].map(() => calls.take('a'))).toMatchObject([
      { allowed: true, remaining: 2, retryAfterMs: 0, resetMs: 1_000 },
      { allowed: true, remaining: 1 },
      { allowed: true, remaining: 0, resetMs: 3_000 },
      { allowed: false, remaining: 0, retryAfterMs: 1_000 },
    ])
    clock.ms = 999
    expect(calls.take('a').allowed).toBe(false)
    clock.ms = 1_000
    expect([calls.take('a').allowed, calls.take('a').allowed]).toEqual([true, false])
    expect(calls.take('b').remaining).toBe(2)
    calls.reset('a')
    expect(calls.peek('a').remaining).toBe(2)
    expect(calls.take('a').remaining).toBe(2)
  })

  it('has a smaller burst than its limit where told, and takes several units', () => {
    const { clock, limiter: calls } = limiter({ limit: 60, periodMs: 60_000, burst: 2 })
    expect([1, 2, 3].map(() => calls.take('a').allowed)).toEqual([true, true, false])
    clock.ms = 2_000
    expect(calls.take('a', 3)).toMatchObject({ allowed: false, retryAfterMs: 1_000 })
    expect(calls.take('a', 2).allowed).toBe(true)
  })

  it('has its share of the limit among the nodes that live', () => {
    const { limiter: calls } = limiter({ limit: 9, periodMs: 9_000 })
    calls.setShare(1 / 3)
    expect([1, 2, 3, 4].map(() => calls.take('a').allowed)).toEqual([true, true, true, false])
    expect(calls.peek('a')).toMatchObject({ limit: 3, retryAfterMs: 3_000 })
    for (const share of [0, -1, 1.1, Number.NaN]) expect(() => calls.setShare(share)).toThrow(RangeError)
  })

  it('never lets more through than burst plus rate, whatever comes when, and lets a patient caller through', () => {
    const step = fc.record({ after: fc.nat({ max: 3_000 }), cost: fc.integer({ min: 1, max: 3 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, limiter: calls } = limiter({ limit: 5, periodMs: 5_000 })
        let taken = 0
        for (const { after, cost } of steps) {
          clock.ms += after
          const decision = calls.take('a', cost)
          if (decision.allowed) taken += cost
          else {
            clock.ms += decision.retryAfterMs
            expect(calls.peek('a', cost).allowed).toBe(true)
          }
        }
        expect(taken).toBeLessThanOrEqual(5 + clock.ms / 1_000)
      }),
    )
  })

  it('remembers a bounded number of keys, those used last', () => {
    const { limiter: calls } = limiter({ limit: 1, periodMs: 1_000, maxKeys: 2 })
    for (const key of ['a', 'b', 'a', 'c']) calls.take(key)
    expect(['a', 'c', 'b'].map((key) => calls.peek(key).allowed)).toEqual([false, false, true])
  })

  it('refuses options that make no sense', () => {
    for (const options of [
      { limit: 0, periodMs: 1 },
      { limit: 1, periodMs: -1 },
      { limit: Number.NaN, periodMs: 1 },
      { limit: 1, periodMs: 1, burst: 0 },
      { limit: 1, periodMs: 1, maxKeys: 0 },
    ]) {
      expect(() => new RateLimiter(options)).toThrow(RangeError)
    }
  })

  it('says it in header fields', () => {
    const { limiter: calls } = limiter({ limit: 2, periodMs: 60_000 })
    expect(rateLimitHeaders(calls.take('a'), 'principal')).toEqual({
      ratelimit: '"principal";r=1;t=30',
      'ratelimit-policy': '"principal";q=2;w=60',
    })
    calls.take('a')
    expect(rateLimitHeaders(calls.take('a'), 'principal')).toEqual({
      ratelimit: '"principal";r=0;t=30',
      'ratelimit-policy': '"principal";q=2;w=60',
      'retry-after': '30',
    })
  })
})
