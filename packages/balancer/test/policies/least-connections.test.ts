import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { leastConnections } from '../../src/index.js'
import {
  balancerOf,
  countOf,
  endpoints,
  FakeClock,
  failure,
  manyEndpoints,
  pickIds,
  seeded,
  success,
  take,
} from '../support.js'
import { candidate } from './candidates.js'

describe('least connections', () => {
  it('never takes one with more load per weight than another, up to 16', () => {
    const loads = fc.array(
      fc.record({ inFlight: fc.nat({ max: 20 }), weight: fc.integer({ min: 1, max: 5 }), coolingDown: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 16,
      },
    )
    fc.assert(
      fc.property(loads, fc.nat(), (facts, seed) => {
        const candidates = facts.map((fact, index) => candidate(String.fromCharCode(97 + index), fact))
        const loadOf = (one: (typeof candidates)[number]) => (one.inFlight + (one.coolingDown ? 10 : 0)) / one.weight
        const picked = leastConnections().pick(candidates, {}, seeded(seed))
        expect(loadOf(picked)).toBe(Math.min(...candidates.map(loadOf)))
      }),
    )
  })

  it('breaks ties at random, by weight', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 2), policy: leastConnections() })
    const { a = 0, b = 0, c = 0 } = countOf(pickIds(balancer, 4_000))
    expect(Math.abs(a / 4_000 - 0.25)).toBeLessThan(0.03)
    expect(Math.abs(b / 4_000 - 0.25)).toBeLessThan(0.03)
    expect(Math.abs(c / 4_000 - 0.5)).toBeLessThan(0.03)
  })

  it('fills by weight when calls stay', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 3), policy: leastConnections() })
    for (let call = 0; call < 40; call++) take(balancer)
    expect(balancer.snapshot().map(({ inFlight }) => inFlight)).toEqual([10, 30])
  })

  it('takes the better of two random ones above 16: the loads stay close together', () => {
    const balancer = balancerOf({ endpoints: manyEndpoints(200), policy: leastConnections() })
    for (let call = 0; call < 2_000; call++) take(balancer)
    expect(Math.max(...balancer.snapshot().map(({ inFlight }) => inFlight))).toBeLessThanOrEqual(14)
  })

  it('counts ten calls more for ten seconds after a failure, unless a success comes first', () => {
    const clock = new FakeClock()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: leastConnections(), now: clock.now })
    take(balancer, { pinnedTo: 'a' }).release(failure)
    expect(countOf(pickIds(balancer, 50))).toEqual({ b: 50 })
    clock.advance(9_999)
    expect(countOf(pickIds(balancer, 50))).toEqual({ b: 50 })
    clock.advance(1)
    expect(countOf(pickIds(balancer, 50))['a']).toBeGreaterThan(10)
    take(balancer, { pinnedTo: 'a' }).release(failure)
    take(balancer, { pinnedTo: 'a' }).release(success)
    expect(countOf(pickIds(balancer, 50))['a']).toBeGreaterThan(10)
  })

  it('still uses a failing one when the others have ten calls more', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: leastConnections() })
    take(balancer, { pinnedTo: 'a' }).release(failure)
    const ids = Array.from({ length: 12 }, () => take(balancer).endpoint.id)
    expect(ids.slice(0, 10)).toEqual(Array(10).fill('b'))
    expect(ids).toContain('a')
  })
})
