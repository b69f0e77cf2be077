import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Candidate, healthBased, healthCost, healthScore } from '../../src/index.js'
import { balancerOf, countOf, endpoints, FakeClock, FakeHealth, pickIds, seeded } from '../support.js'
import { candidate } from './candidates.js'

const facts: fc.Arbitrary<Partial<Candidate>> = fc.record({
  latency: fc.double({ min: 0.05, max: 50, noNaN: true }),
  inFlight: fc.nat({ max: 100 }),
  errorRatio: fc.double({ min: 0, max: 0.99, noNaN: true }),
  penalty: fc.double({ min: 1, max: 5, noNaN: true }),
  weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
})

describe('health_based', () => {
  it.each(['latency', 'inFlight', 'errorRatio', 'penalty'] as const)('costs never less with more %s', (input) => {
    fc.assert(
      fc.property(facts, facts, (some, others) => {
        const a = candidate('a', some)
        const b = candidate('b', { ...some, [input]: others[input] })
        const [less, more] = a[input] <= b[input] ? [a, b] : [b, a]
        expect(healthCost(more)).toBeGreaterThanOrEqual(healthCost(less))
      }),
    )
  })

  it('costs less with more weight', () => {
    fc.assert(
      fc.property(facts, (some) => {
        const light = candidate('a', some)
        expect(healthCost({ ...light, weight: light.weight * 2 })).toBeLessThan(healthCost(light))
      }),
    )
  })

  it('costs latency x (in flight + 1) x (1 + 4 x error ratio) / weight, latency within a factor of two being noise', () => {
    const cost = (some: Partial<Candidate>) => healthCost(candidate('a', some))
    expect(cost({})).toBe(1)
    expect(cost({ latency: 0.5, inFlight: 2 })).toBe(3)
    expect(cost({ latency: 2, weight: 4 })).toBe(0.25)
    expect(cost({ latency: 50 })).toBe(25)
    expect(cost({ latency: 0.05 })).toBeCloseTo(0.1)
    expect(cost({ errorRatio: 0.5 })).toBe(3)
  })

  it('counts the larger of the two figures for failures, not both', () => {
    expect(healthCost(candidate('a', { errorRatio: 0.5, penalty: 2 }))).toBe(3)
    expect(healthCost(candidate('a', { errorRatio: 0.1, penalty: 2 }))).toBe(2)
  })

  it('takes the cheapest of up to 16, or one within ten percent of it', () => {
    fc.assert(
      fc.property(fc.array(facts, { minLength: 1, maxLength: 16 }), fc.nat(), (list, seed) => {
        const candidates = list.map((some, index) => candidate(String.fromCharCode(97 + index), some))
        const picked = healthBased().pick(candidates, {}, seeded(seed))
        expect(healthCost(picked)).toBeLessThanOrEqual(Math.min(...candidates.map(healthCost)) * 1.1)
      }),
    )
  })

  it('divides sequential calls of equal latency equally', () => {
    const clock = new FakeClock()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: healthBased(), now: clock.now })
    const ids = Array.from({ length: 1_000 }, () => {
      const lease = balancer.tryAcquire()
      clock.advance(10)
      lease?.release({ outcome: 'success', latencyMs: 10 })
      return lease?.endpoint.id ?? ''
    })
    const { a = 0, b = 0 } = countOf(ids)
    expect(Math.abs(a - b)).toBeLessThan(100)
  })

  it('obeys the penalty of health without any report', () => {
    const health = Object.assign(new FakeHealth(), { penalty: (id: string) => (id === 'a' ? 3 : 1) })
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: healthBased(), health })
    expect(countOf(pickIds(balancer, 20))).toEqual({ b: 20 })
  })

  it('scores 100 for whole health, less with failures, latency and a smaller share', () => {
    expect(healthScore({ share: 1, errorRatio: 0, latency: 0.3 })).toBe(100)
    expect(healthScore({ share: 0.5, errorRatio: 0, latency: 1 })).toBe(50)
    expect(healthScore({ share: 1, errorRatio: 0.25, latency: 1 })).toBe(75)
    expect(healthScore({ share: 1, errorRatio: 0, latency: 5 })).toBe(50)
  })
})
