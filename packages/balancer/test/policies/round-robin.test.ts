import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { roundRobin } from '../../src/index.js'
import {
  balancerOf,
  countOf,
  endpoints,
  FakeHealth,
  manyEndpoints,
  pickIds,
  seeded,
  success,
  take,
} from '../support.js'

describe('round robin', () => {
  it('picks each in turn, whatever the set and the seed: any n picks in a row are all different', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.nat(), (count, seed) => {
        const balancer = balancerOf({ endpoints: manyEndpoints(count), policy: roundRobin(), random: seeded(seed) })
        const ids = pickIds(balancer, 3 * count)
        for (let start = 0; start <= 2 * count; start++) {
          expect(new Set(ids.slice(start, start + count)).size).toBe(count)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('begins anywhere', () => {
    const firstWith = (seed: number) =>
      pickIds(balancerOf({ endpoints: manyEndpoints(4), policy: roundRobin(), random: seeded(seed) }), 1)[0]
    const firsts = new Set(Array.from({ length: 40 }, (_, seed) => firstWith(seed)))
    expect([...firsts].sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('goes on where it was when endpoints join, leave and come back in another order', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 1, 1), policy: roundRobin(), random: () => 0 })
    expect(pickIds(balancer, 2)).toEqual(['a', 'b'])
    balancer.update([{ id: 'e' }, { id: 'd' }, { id: 'c' }, { id: 'a' }])
    expect(pickIds(balancer, 5)).toEqual(['c', 'd', 'e', 'a', 'c'])
  })

  it('goes on with the next when the one that was picked last has left', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 1), policy: roundRobin(), random: () => 0 })
    expect(pickIds(balancer, 2)).toEqual(['a', 'b'])
    balancer.update(endpoints(1, 1, 1).filter(({ id }) => id !== 'b'))
    expect(pickIds(balancer, 3)).toEqual(['c', 'a', 'c'])
  })

  it('skips full ones and takes them up again in their place', () => {
    const balancer = balancerOf({
      endpoints: endpoints(1, 1, 1),
      policy: roundRobin(),
      random: () => 0,
      maxInFlight: 1,
    })
    const held = take(balancer)
    expect(held.endpoint.id).toBe('a')
    expect(pickIds(balancer, 3)).toEqual(['b', 'c', 'b'])
    held.release(success)
    expect(pickIds(balancer, 3)).toEqual(['c', 'a', 'b'])
  })

  it('finds the one that is free among ten thousand full ones', () => {
    const balancer = balancerOf({ endpoints: manyEndpoints(10_000), policy: roundRobin(), maxInFlight: 1 })
    const leases = Array.from({ length: 10_000 }, () => take(balancer))
    expect(balancer.tryAcquire()).toBeUndefined()
    leases[7_777]?.release(success)
    expect(pickIds(balancer, 2)).toEqual([leases[7_777]?.endpoint.id, leases[7_777]?.endpoint.id])
  })

  it('ignores weights, but for 0', () => {
    const balancer = balancerOf({ endpoints: endpoints(9, 1, 0), policy: roundRobin() })
    expect(countOf(pickIds(balancer, 100))).toEqual({ a: 50, b: 50 })
  })

  it('lets an endpoint in slow start take a part of its turns', () => {
    const health = new FakeHealth()
    health.recover('a', 0.1)
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health })
    const { a = 0 } = countOf(pickIds(balancer, 2_000))
    expect(a).toBeGreaterThan(130)
    expect(a).toBeLessThan(240)
  })

  it('picks somebody when all are in slow start', () => {
    const health = new FakeHealth()
    for (const id of ['a', 'b']) health.recover(id, 0.1)
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health })
    const counts = countOf(pickIds(balancer, 1_000))
    expect(Math.min(counts['a'] ?? 0, counts['b'] ?? 0)).toBeGreaterThan(400)
  })
})
