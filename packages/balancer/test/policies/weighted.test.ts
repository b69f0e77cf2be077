import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { weighted } from '../../src/index.js'
import { balancerOf, countOf, endpoints, FakeHealth, pickIds, seeded, success, take } from '../support.js'

const integerWeights = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 })
const fractionalWeights = fc.array(fc.double({ min: 0.01, max: 50, noNaN: true }), { minLength: 1, maxLength: 20 })

function picksOf(weights: readonly number[], count: number, seed = 1): string[] {
  return pickIds(balancerOf({ endpoints: endpoints(...weights), policy: weighted(), random: seeded(seed) }), count)
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

/** How far, at worst, any prefix strays from the shares, in picks. */
function worstDeviation(ids: readonly string[], weights: readonly number[]): number {
  const counts = weights.map(() => 0)
  const names = endpoints(...weights).map(({ id }) => id)
  let worst = 0
  for (const [at, id] of ids.entries()) {
    const picked = names.indexOf(id)
    counts[picked] = (counts[picked] ?? 0) + 1
    for (const [index, weight] of weights.entries()) {
      worst = Math.max(worst, Math.abs((counts[index] ?? 0) - ((at + 1) * weight) / sum(weights)))
    }
  }
  return worst
}

describe('weighted', () => {
  it('every window of sum(w) picks holds each endpoint exactly w times', () => {
    fc.assert(
      fc.property(integerWeights, fc.nat(), (weights, seed) => {
        const set = endpoints(...weights)
        const window = sum(weights)
        const ids = picksOf(weights, 3 * window, seed)
        const counts = countOf(ids.slice(0, window))
        for (let start = 0; start <= 2 * window; start++) {
          if (set.some(({ id, weight }) => counts[id] !== weight)) expect([start, counts]).toEqual([start, set])
          const [leaving = '', entering = ''] = [ids[start], ids[start + window]]
          if (entering === '') break
          counts[leaving] = (counts[leaving] ?? 0) - 1
          counts[entering] = (counts[entering] ?? 0) + 1
        }
      }),
      { numRuns: 40 },
    )
  })

  it('keeps every share within one pick at every moment, fractional weights too', () => {
    fc.assert(
      fc.property(fc.oneof(integerWeights, fractionalWeights), fc.nat(), (weights, seed) => {
        expect(worstDeviation(picksOf(weights, 500, seed), weights)).toBeLessThan(1 + 1e-9)
      }),
      { numRuns: 60 },
    )
  })

  it('keeps within one pick where nginx strays by 1.2', () => {
    const weights = [1, 4, 51, 1, 48, 4, 1, 1, 1, 1, 1, 59]
    expect(worstDeviation(picksOf(weights, 400), weights)).toBeLessThan(1)
  })

  it('spaces evenly: 5, 1, 1 never waits longer than two picks for the heavy one, nor eleven for a light one', () => {
    const ids = picksOf([5, 1, 1], 70)
    const gapsOf = (id: string) => {
      const places = ids.flatMap((picked, at) => (picked === id ? [at] : []))
      return places.slice(1).map((place, index) => place - (places[index] ?? 0))
    }
    expect(Math.max(...gapsOf('a'))).toBe(2)
    expect(gapsOf('b').every((gap) => gap === 7)).toBe(true)
    expect(gapsOf('c').every((gap) => gap === 7)).toBe(true)
  })

  it('is spaced as evenly as whole picks allow: a gap is less than two ideal gaps', () => {
    fc.assert(
      fc.property(integerWeights, (weights) => {
        const ids = picksOf(weights, 3 * sum(weights))
        for (const { id, weight = 1 } of endpoints(...weights)) {
          const places = ids.flatMap((picked, at) => (picked === id ? [at] : []))
          const gaps = places.slice(1).map((place, index) => place - (places[index] ?? 0))
          expect(Math.max(0, ...gaps)).toBeLessThan((2 * sum(weights)) / weight + 1e-9)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('begins with any one of equals', () => {
    const firsts = new Set(Array.from({ length: 40 }, (_, seed) => picksOf([1, 1, 1], 1, seed)[0]))
    expect([...firsts].sort()).toEqual(['a', 'b', 'c'])
  })

  it('gives no call to weight 0', () => {
    expect(countOf(picksOf([2, 0, 1], 300))).toEqual({ a: 200, c: 100 })
  })

  it('shares the turns of a full endpoint among the others by weight, and is exact again when it is back', () => {
    const balancer = balancerOf({
      endpoints: [
        { id: 'a', weight: 4, maxInFlight: 1 },
        { id: 'b', weight: 2 },
        { id: 'c', weight: 1 },
      ],
      policy: weighted(),
    })
    let held = take(balancer)
    while (held.endpoint.id !== 'a') {
      held.release(success)
      held = take(balancer)
    }
    expect(countOf(pickIds(balancer, 300))).toEqual({ b: 200, c: 100 })
    held.release(success)
    pickIds(balancer, 14)
    expect(countOf(pickIds(balancer, 70))).toEqual({ a: 40, b: 20, c: 10 })
  })

  it('does not starve anybody when the set or the weights change all the time', () => {
    const balancer = balancerOf({ endpoints: endpoints(3, 2, 1), policy: weighted() })
    const ids: string[] = []
    for (let round = 0; round < 600; round++) {
      ids.push(...pickIds(balancer, 1))
      balancer.update(endpoints(3, 2, 1))
    }
    expect(worstDeviation(ids, [3, 2, 1])).toBeLessThan(2)
  })

  it('keeps what was owed when an endpoint joins: nobody is more than two picks off afterwards', () => {
    fc.assert(
      fc.property(integerWeights, fc.integer({ min: 1, max: 30 }), fc.nat({ max: 50 }), (weights, added, before) => {
        const balancer = balancerOf({ endpoints: endpoints(...weights), policy: weighted() })
        pickIds(balancer, before)
        const all = [...weights, added]
        balancer.update(endpoints(...all))
        expect(worstDeviation(pickIds(balancer, 300), all)).toBeLessThan(3)
      }),
      { numRuns: 40 },
    )
  })

  it('follows the shares of a slow start', () => {
    const health = new FakeHealth()
    health.recover('a', 0.5)
    const balancer = balancerOf({ endpoints: endpoints(2, 1), policy: weighted(), health })
    expect(countOf(pickIds(balancer, 100))).toEqual({ a: 50, b: 50 })
    health.recover('a', 1)
    expect(countOf(pickIds(balancer, 300))).toEqual({ a: 200, b: 100 })
  })

  it('takes the only open one, however small its weight', () => {
    const balancer = balancerOf({
      endpoints: [
        { id: 'a', weight: 1e300, maxInFlight: 1 },
        { id: 'b', weight: 1e-300 },
      ],
      policy: weighted(),
    })
    expect(take(balancer).endpoint.id).toBe('a')
    expect(pickIds(balancer, 3)).toEqual(['b', 'b', 'b'])
  })

  it('finds the one that is free among ten thousand full ones of mixed weights', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({ id: String(index), weight: 1 + (index % 9) }))
    const balancer = balancerOf({ endpoints: many, policy: weighted(), maxInFlight: 1 })
    const leases = many.map(() => take(balancer))
    expect(new Set(leases.map(({ endpoint }) => endpoint.id)).size).toBe(10_000)
    expect(balancer.tryAcquire()).toBeUndefined()
    leases[1_234]?.release(success)
    expect(pickIds(balancer, 2)).toEqual([leases[1_234]?.endpoint.id, leases[1_234]?.endpoint.id])
  })
})
