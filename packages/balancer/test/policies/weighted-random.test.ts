import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { weightedRandom } from '../../src/index.js'
import { balancerOf, countOf, endpoints, manyEndpoints, pickIds, seeded, success, take } from '../support.js'

describe('random', () => {
  it('picks in proportion to the weights', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 2, 3, 0, 4), policy: weightedRandom() })
    const counts = countOf(pickIds(balancer, 20_000))
    expect(counts['d']).toBeUndefined()
    for (const [id, part] of [
      ['a', 0.1],
      ['b', 0.2],
      ['c', 0.3],
      ['e', 0.4],
    ] as const) {
      expect(Math.abs((counts[id] ?? 0) / 20_000 - part)).toBeLessThan(0.015)
    }
  })

  it('keeps the proportions of those that are free while others are full', () => {
    const balancer = balancerOf({
      endpoints: [...endpoints(1, 1, 2), { id: 'full', weight: 1_000, maxInFlight: 1 }],
      policy: weightedRandom(),
    })
    const held = take(balancer, { pinnedTo: 'full' })
    const counts = countOf(pickIds(balancer, 8_000))
    expect(counts['full']).toBeUndefined()
    expect(Math.abs((counts['c'] ?? 0) / 8_000 - 0.5)).toBeLessThan(0.03)
    held.release(success)
    expect(countOf(pickIds(balancer, 1_000))['full']).toBeGreaterThan(980)
  })

  it('never picks one that is full, in whatever order they fill up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        (weights, seed) => {
          const balancer = balancerOf({
            endpoints: weights.map((weight, index) => ({ id: String(index), weight })),
            policy: weightedRandom(),
            random: seeded(seed),
            maxInFlight: 1,
          })
          const ids = weights.map(() => take(balancer).endpoint.id)
          expect(new Set(ids).size).toBe(weights.length)
          expect(balancer.tryAcquire()).toBeUndefined()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('the same seed gives the same picks', () => {
    const idsWith = (seed: number) =>
      pickIds(balancerOf({ endpoints: manyEndpoints(9), policy: weightedRandom(), random: seeded(seed) }), 50)
    expect(idsWith(3)).toEqual(idsWith(3))
    expect(idsWith(3)).not.toEqual(idsWith(4))
  })
})
