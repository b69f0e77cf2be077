import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Balancer, type Endpoint, rendezvous } from '../../src/index.js'
import { balancerOf, countOf, endpoints, manyEndpoints, success, take } from '../support.js'

const KEYS = Array.from({ length: 4_000 }, (_, index) => `key-${index}`)

function placesOf(balancer: Balancer<Endpoint>): Map<string, string> {
  return new Map(
    KEYS.map((affinityKey) => {
      const lease = take(balancer, { affinityKey })
      lease.release(success)
      return [affinityKey, lease.endpoint.id]
    }),
  )
}

describe('rendezvous', () => {
  it('gives a key the same endpoint in every process, whatever the order of the set', () => {
    const one = balancerOf({ endpoints: manyEndpoints(7), policy: rendezvous() })
    const other = balancerOf({ endpoints: manyEndpoints(7).reverse(), policy: rendezvous(), random: () => 0.9 })
    expect(placesOf(one)).toEqual(placesOf(other))
  })

  it('divides the keys by weight', () => {
    const counts = countOf([...placesOf(balancerOf({ endpoints: endpoints(1, 1, 2), policy: rendezvous() })).values()])
    expect(Math.abs((counts['a'] ?? 0) / KEYS.length - 0.25)).toBeLessThan(0.03)
    expect(Math.abs((counts['c'] ?? 0) / KEYS.length - 0.5)).toBeLessThan(0.03)
  })

  it('moves only the keys of the endpoint that leaves, and only keys to the one that joins', () => {
    const balancer = balancerOf({ endpoints: manyEndpoints(10), policy: rendezvous() })
    const before = placesOf(balancer)
    balancer.update(manyEndpoints(10).filter(({ id }) => id !== 'd'))
    for (const [key, place] of placesOf(balancer)) {
      if (before.get(key) !== 'd') expect([key, place]).toEqual([key, before.get(key)])
    }
    balancer.update(manyEndpoints(11))
    const after = placesOf(balancer)
    const moved = KEYS.filter((key) => after.get(key) !== before.get(key))
    expect(new Set(moved.map((key) => after.get(key)))).toEqual(new Set(['k']))
    expect(Math.abs(moved.length / KEYS.length - 1 / 11)).toBeLessThan(0.02)
  })

  it('moves only keys of the endpoint whose weight changes', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 1), policy: rendezvous() })
    const before = placesOf(balancer)
    balancer.update(endpoints(3, 1, 1))
    for (const [key, place] of placesOf(balancer))
      expect([place, before.get(key)]).toContain(place === 'a' ? 'a' : before.get(key))
  })

  it('keeps every endpoint below 1.5 times its fair part of the calls in flight, even if all have one key', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 60 }),
        (weights, calls) => {
          const balancer = balancerOf({ endpoints: endpoints(...weights), policy: rendezvous() })
          const sum = weights.reduce((a, b) => a + b, 0)
          for (let call = 1; call <= calls; call++) {
            const { endpoint } = take(balancer, { affinityKey: 'same' })
            const loaded = balancer.snapshotOf(endpoint.id)
            expect(loaded?.inFlight).toBeLessThanOrEqual(Math.ceil((1.5 * call * (endpoint.weight ?? 1)) / sum))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is random without a key', () => {
    const balancer = balancerOf({ endpoints: manyEndpoints(3), policy: rendezvous() })
    const ids = Array.from({ length: 600 }, () => {
      const lease = take(balancer)
      lease.release(success)
      return lease.endpoint.id
    })
    for (const count of Object.values(countOf(ids))) expect(Math.abs(count / 600 - 1 / 3)).toBeLessThan(0.08)
  })
})
