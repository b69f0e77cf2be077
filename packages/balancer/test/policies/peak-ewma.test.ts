import { describe, expect, it } from '@jest/globals'
import { peakEwma } from '../../src/index.js'
import { balancerOf, countOf, endpoints, FakeClock, failure, pickIds, seeded, take } from '../support.js'
import { candidate } from './candidates.js'

describe('peak_ewma', () => {
  const pickOf = (a: Parameters<typeof candidate>[1], b: Parameters<typeof candidate>[1]) =>
    peakEwma().pick([candidate('a', a), candidate('b', b)], {}, seeded(1)).endpoint.id

  it('takes the smaller latency x (in flight + 1)', () => {
    expect(pickOf({ peakLatencyMs: 10, inFlight: 2 }, { peakLatencyMs: 31 })).toBe('a')
    expect(pickOf({ peakLatencyMs: 10, inFlight: 2 }, { peakLatencyMs: 29 })).toBe('b')
  })

  it('asks an idle endpoint that it knows nothing of first, and a busy one last', () => {
    expect(pickOf({}, { peakLatencyMs: 1 })).toBe('a')
    expect(pickOf({ inFlight: 1 }, { peakLatencyMs: 10_000, inFlight: 5 })).toBe('b')
  })

  it('divides by weight', () => {
    expect(pickOf({ peakLatencyMs: 30, weight: 4 }, { peakLatencyMs: 10 })).toBe('a')
  })

  it('jumps to a peak at once and forgets it with time', () => {
    const clock = new FakeClock()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: peakEwma(), now: clock.now })
    take(balancer, { pinnedTo: 'a' }).release({ outcome: 'success', latencyMs: 500 })
    take(balancer, { pinnedTo: 'b' }).release({ outcome: 'success', latencyMs: 20 })
    expect(countOf(pickIds(balancer, 20))).toEqual({ b: 20 })
    take(balancer, { pinnedTo: 'b' }).release({ outcome: 'success', latencyMs: 600 })
    expect(countOf(pickIds(balancer, 20))).toEqual({ a: 20 })
  })

  it('observes a failure as five seconds', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: peakEwma() })
    take(balancer, { pinnedTo: 'a' }).release(failure)
    take(balancer, { pinnedTo: 'b' }).release({ outcome: 'success', latencyMs: 4_900 })
    expect(countOf(pickIds(balancer, 20))).toEqual({ b: 20 })
  })
})
