import { describe, expect, it } from '@jest/globals'
import { Balancer, healthBased, leastConnections, type Policy, peakEwma, roundRobin } from '../src/index.js'
import { errorRatioOf, logNormal, Simulation, shareOf } from './simulation.js'
import { endpoints, FakeClock, FakeHealth, manyEndpoints, seeded } from './support.js'

const SEEDS = [1, 2, 3]

interface Scene {
  readonly policy: Policy
  readonly seed: number
  readonly count?: number
  readonly callsPerSecond?: number
  readonly medianMs?: (id: string, nowMs: number) => number
  readonly fails?: (id: string) => boolean
}

/** Endpoints a, b, …, log-normal latencies; a failing one fails within a millisecond. */
function simulate({ policy, seed, count = 4, callsPerSecond = 400, medianMs = () => 20, fails = () => false }: Scene) {
  const clock = new FakeClock()
  const random = seeded(seed)
  const health = new FakeHealth()
  const balancer = new Balancer({
    endpoints: manyEndpoints(count),
    policy,
    health,
    random,
    now: clock.now,
    maxInFlight: Number.POSITIVE_INFINITY,
  })
  const ending = (id: string, nowMs: number) =>
    fails(id)
      ? ({ report: { outcome: 'failure' }, afterMs: 1 } as const)
      : ({ report: { outcome: 'success' }, afterMs: logNormal(medianMs(id, nowMs), random) } as const)
  return { balancer, clock, health, simulation: new Simulation({ balancer, clock, random, callsPerSecond, ending }) }
}

describe('one of four fails at once (simulated, ten seconds)', () => {
  const failsFirst = (id: string) => id === 'a'

  it.each(SEEDS)('round robin sends it a quarter of all calls (seed %i)', (seed) => {
    const { simulation } = simulate({ policy: roundRobin(), seed, fails: failsFirst })
    expect(errorRatioOf(simulation.run(10_000))).toBeCloseTo(0.25, 2)
  })

  it.each(SEEDS)('health_based sends it at most half a percent (seed %i)', (seed) => {
    const { simulation } = simulate({ policy: healthBased(), seed, fails: failsFirst })
    expect(errorRatioOf(simulation.run(10_000))).toBeLessThanOrEqual(0.005)
  })

  it.each(SEEDS)(
    'health_based with two choices of forty sends four that fail less than two percent (seed %i)',
    (seed) => {
      const fails = (id: string) => Number(id) < 4
      const { simulation } = simulate({ policy: healthBased(), seed, count: 40, callsPerSecond: 1_000, fails })
      expect(errorRatioOf(simulation.run(10_000))).toBeLessThan(0.02)
    },
  )

  it.each(SEEDS)(
    'least_connections sends it less than two percent, for it seems to have ten calls more (seed %i)',
    (seed) => {
      const { simulation } = simulate({ policy: leastConnections(), seed, fails: failsFirst })
      expect(errorRatioOf(simulation.run(10_000))).toBeLessThan(0.02)
    },
  )

  it.each(SEEDS)('fewest in flight without that sends it two fifths and more (seed %i)', (seed) => {
    const policy: Policy = {
      name: 'naive',
      pick: (candidates) => candidates.reduce((a, b) => (b.inFlight < a.inFlight ? b : a)),
    }
    const { simulation } = simulate({ policy, seed, fails: failsFirst })
    expect(errorRatioOf(simulation.run(10_000))).toBeGreaterThan(0.4)
  })

  it.each(SEEDS)('peak_ewma sends it less than two percent (seed %i)', (seed) => {
    const { simulation } = simulate({ policy: peakEwma(), seed, fails: failsFirst })
    expect(errorRatioOf(simulation.run(10_000))).toBeLessThan(0.02)
  })
})

describe('an endpoint recovers (simulated)', () => {
  it.each(SEEDS)(
    'health_based gives it its fair share within slow start and three time constants (seed %i)',
    (seed) => {
      let failing = true
      const fails = (id: string) => failing && id === 'a'
      const { simulation, health } = simulate({ policy: healthBased(), seed, callsPerSecond: 200, fails })
      simulation.run(10_000)
      failing = false
      for (let step = 1; step <= 10; step++) {
        health.recover('a', step / 10)
        simulation.run(3_000)
      }
      simulation.run(30_000)
      const share = shareOf(simulation.run(20_000), 'a')
      expect(share).toBeGreaterThan(0.2)
      expect(share).toBeLessThan(0.3)
    },
  )
})

describe('latencies differ (simulated)', () => {
  it.each(SEEDS)(
    'health_based sends one of five that is ten times slower less than eight percent (seed %i)',
    (seed) => {
      const medianMs = (id: string) => (id === 'a' ? 200 : 20)
      const { simulation } = simulate({ policy: healthBased(), seed, count: 5, medianMs })
      simulation.run(20_000)
      expect(shareOf(simulation.run(20_000), 'a')).toBeLessThan(0.08)
    },
  )

  it.each(SEEDS)(
    'two equal endpoints differ by less than ten percent over 1,000 calls under health_based (seed %i)',
    (seed) => {
      const { simulation } = simulate({ policy: healthBased(), seed, count: 2 })
      const calls = simulation.run(10_000).slice(0, 1_000)
      expect(calls).toHaveLength(1_000)
      expect(Math.abs(shareOf(calls, 'a') - shareOf(calls, 'b'))).toBeLessThan(0.1)
    },
  )

  it.each(SEEDS)(
    'two equal endpoints that rarely have a call differ by less than ten percent over 1,000 (seed %i)',
    (seed) => {
      const { simulation } = simulate({ policy: healthBased(), seed, count: 2, callsPerSecond: 2 })
      const calls = simulation.run(600_000).slice(0, 1_000)
      expect(calls).toHaveLength(1_000)
      expect(Math.abs(shareOf(calls, 'a') - shareOf(calls, 'b'))).toBeLessThan(0.1)
    },
  )

  it.each(SEEDS)('when all become ten times faster, none keeps the calls to itself (seed %i)', (seed) => {
    const startMs = new FakeClock().nowMs
    const medianMs = (_id: string, nowMs: number) => (nowMs < startMs + 60_000 ? 200 : 20)
    const { simulation } = simulate({ policy: healthBased(), seed, count: 2, callsPerSecond: 2, medianMs })
    simulation.run(90_000)
    expect(Math.abs(shareOf(simulation.run(500_000), 'a') - 0.5)).toBeLessThan(0.1)
  })

  it('weights divide the calls of busy endpoints under least_connections and health_based', () => {
    for (const policy of [leastConnections(), healthBased()]) {
      const { simulation, balancer } = simulate({ policy, seed: 1, callsPerSecond: 1_000 })
      balancer.update(endpoints(3, 1, 1, 1))
      expect(shareOf(simulation.run(5_000), 'a')).toBeCloseTo(0.5, 1)
    }
  })
})

describe('chance and clock', () => {
  it.each(['health_based', 'peak_ewma'])('the same seed and clock give the same picks (%s)', (name) => {
    const idsOf = () => {
      const policy = name === 'peak_ewma' ? peakEwma() : healthBased()
      return simulate({ policy, seed: 7, fails: (id) => id === 'c' })
        .simulation.run(5_000)
        .map(({ id }) => id)
    }
    expect(idsOf()).toEqual(idsOf())
  })
})
