import { describe, expect, it } from '@jest/globals'
import type { Candidate, Report, ScanningPolicy } from '../src/index.js'
import { balancerOf, endpoints, FakeClock, take } from './support.js'

/** A balancer of a and b, its clock, and what a policy sees of them. */
function observed() {
  const clock = new FakeClock()
  let seen: Record<string, Candidate> = {}
  const policy: ScanningPolicy = {
    name: 'observer',
    pick: (candidates) => {
      seen = Object.fromEntries(candidates.map((candidate) => [candidate.endpoint.id, candidate]))
      const [first] = candidates
      if (!first) throw new Error('no candidate')
      return first
    },
  }
  const balancer = balancerOf({ endpoints: endpoints(1, 1), policy, now: clock.now })
  const tell = (pinnedTo: string, report: Report) => take(balancer, { pinnedTo }).release(report)
  const see = (id: string): Candidate => {
    take(balancer).release({ outcome: 'cancelled' })
    const candidate = seen[id]
    if (!candidate) throw new Error(`no candidate ${id}`)
    return candidate
  }
  return { balancer, clock, tell, see }
}

const ok = (latencyMs: number, kind?: string): Report => ({ outcome: 'success', latencyMs, kind })

describe('latency', () => {
  it('is relative to what the kind of call usually takes, so that slow tools do not make slow endpoints', () => {
    const { clock, tell, see } = observed()
    for (let call = 0; call < 200; call++) {
      clock.advance(100)
      tell('a', ok(2_000, 'tools/call render'))
      tell('b', ok(5, 'tools/call now'))
    }
    expect(see('a').latency).toBeCloseTo(1, 1)
    expect(see('b').latency).toBeCloseTo(1, 1)
  })

  it('rises for the one that takes longer for the same, and decays towards 1 while idle', () => {
    const { clock, tell, see } = observed()
    for (let call = 0; call < 300; call++) {
      clock.advance(100)
      tell('a', ok(300))
      tell('b', ok(100))
    }
    const slow = see('a').latency
    expect(slow).toBeGreaterThan(1.3)
    expect(see('b').latency).toBeLessThan(0.8)
    clock.advance(10_000)
    expect(see('a').latency - 1).toBeCloseTo((slow - 1) / Math.E)
    clock.advance(100_000)
    expect(see('a').latency).toBeCloseTo(1, 3)
  })

  it('a failure is observed as 50 at once, however fast it came', () => {
    const { tell, see } = observed()
    tell('a', ok(20))
    tell('a', { outcome: 'failure', latencyMs: 1 })
    expect(see('a').latency).toBe(50)
    expect(see('b').latency).toBe(1)
  })

  it('a failure with Retry-After is observed as that over the usual time, 50 at most', () => {
    const { tell, see } = observed()
    tell('a', ok(100, 'list'))
    tell('a', { outcome: 'failure', kind: 'list', retryAfterMs: 1_000 })
    expect(see('a').latency).toBeCloseTo(10)
    tell('b', { outcome: 'failure', kind: 'list', retryAfterMs: 1_000_000 })
    expect(see('b').latency).toBe(50)
  })

  it('comes down again with successes', () => {
    const { clock, tell, see } = observed()
    tell('a', ok(20))
    tell('a', { outcome: 'failure' })
    for (let call = 0; call < 300; call++) {
      clock.advance(100)
      tell('a', ok(20))
    }
    expect(see('a').latency).toBeLessThan(4)
    expect(see('a').latency).toBeGreaterThan(1)
  })

  it('stays within 0.05..50', () => {
    const { clock, tell, see } = observed()
    for (let call = 0; call < 100; call++) {
      clock.advance(1_000)
      tell('a', ok(call % 2 === 0 ? 1 : 1e9))
    }
    expect(see('a').latency).toBeLessThanOrEqual(50)
    for (let call = 0; call < 1_000; call++) {
      clock.advance(100)
      tell('b', ok(1))
    }
    expect(see('b').latency).toBeGreaterThanOrEqual(0.05)
  })

  it('does not tell differences below a millisecond', () => {
    const { clock, tell, see } = observed()
    for (let call = 0; call < 100; call++) {
      clock.advance(100)
      tell('a', ok(0.9))
      tell('b', ok(0.1))
    }
    expect(see('a').latency).toBeCloseTo(1)
    expect(see('b').latency).toBeCloseTo(1)
  })

  it('is not learned without a figure, or from one that is none', () => {
    const { balancer, clock, tell, see } = observed()
    for (const latencyMs of [undefined, Number.NaN, -5, Number.POSITIVE_INFINITY]) {
      clock.advance(1_000)
      tell('a', { outcome: 'success', latencyMs })
    }
    expect(see('a')).toMatchObject({ latency: 1, peakLatencyMs: 0 })
    expect(balancer.snapshotOf('a')?.latencyMs).toBeUndefined()
  })

  it('has a peak average too: up at once, down slowly, towards 0 while idle', () => {
    const { clock, tell, see } = observed()
    tell('a', ok(20))
    tell('a', ok(1_000))
    expect(see('a').peakLatencyMs).toBe(1_000)
    for (let call = 0; call < 100; call++) {
      clock.advance(100)
      tell('a', ok(20))
    }
    expect(see('a').peakLatencyMs).toBeCloseTo(20 + 980 / Math.E, 3)
    clock.advance(10_000)
    expect(see('a').peakLatencyMs).toBeCloseTo((20 + 980 / Math.E) / Math.E, 3)
  })

  it('is shown to people in milliseconds, and stays when idle', () => {
    const { balancer, clock, tell } = observed()
    tell('a', ok(40))
    clock.advance(3_600_000)
    expect(balancer.snapshotOf('a')?.latencyMs).toBe(40)
  })

  it('knows what is usual for hundreds of kinds, and forgets those not seen for long', () => {
    const { clock, tell, see } = observed()
    const judge = (kind: string) => {
      clock.advance(3_600_000)
      tell('a', { outcome: 'overloaded', kind, retryAfterMs: 200 })
      return see('a').latency
    }
    tell('a', ok(100, 'kept'))
    for (let kind = 0; kind < 200; kind++) tell('a', ok(100, `kind ${kind}`))
    expect(judge('kept')).toBeCloseTo(2)
    for (let kind = 0; kind < 2_000; kind++) tell('a', ok(100, `other ${kind}`))
    expect(judge('kept')).toBe(50)
  })
})

describe('errors', () => {
  it('are decayed failures over decayed calls + 5', () => {
    const { balancer, clock, tell } = observed()
    const ratio = () => balancer.snapshotOf('a')?.errorRatio
    for (let call = 0; call < 5; call++) tell('a', { outcome: 'failure' })
    expect(ratio()).toBeCloseTo(5 / 10)
    for (let call = 0; call < 10; call++) tell('a', ok(10))
    expect(ratio()).toBeCloseTo(5 / 20)
    clock.advance(30_000)
    expect(ratio()).toBeCloseTo(5 / Math.E / (15 / Math.E + 5))
  })

  it('an overloaded answer penalises load and is no failure', () => {
    const { clock, tell, see } = observed()
    tell('a', ok(100))
    tell('a', { outcome: 'overloaded', retryAfterMs: 2_000 })
    expect(see('a')).toMatchObject({ errorRatio: 0, coolingDown: true })
    expect(see('a').latency).toBeCloseTo(20)
    clock.advance(1_999)
    expect(see('a').coolingDown).toBe(true)
    clock.advance(1)
    expect(see('a').coolingDown).toBe(false)
  })

  it('without Retry-After an overloaded endpoint cools down for five seconds', () => {
    const { clock, tell, see } = observed()
    tell('a', { outcome: 'overloaded' })
    clock.advance(4_999)
    expect(see('a').coolingDown).toBe(true)
    clock.advance(1)
    expect(see('a').coolingDown).toBe(false)
  })

  it('a cancelled call teaches nothing', () => {
    const { balancer, tell } = observed()
    tell('a', ok(10))
    tell('a', { outcome: 'failure' })
    const before = balancer.snapshotOf('a')
    tell('a', { outcome: 'cancelled', latencyMs: 60_000, retryAfterMs: 60_000 })
    expect(balancer.snapshotOf('a')).toEqual({ ...before, picks: 3 })
  })

  it('a clock that runs backwards does no harm', () => {
    const { clock, tell, see } = observed()
    tell('a', ok(10))
    clock.advance(-60_000)
    tell('a', ok(10))
    tell('a', { outcome: 'failure' })
    expect(see('a').latency).toBe(50)
    expect(see('a').errorRatio).toBeCloseTo(1 / 8)
  })
})
