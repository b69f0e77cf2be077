import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Endpoint, type Lease, type Outcome, policyByName, policyNames } from '../src/index.js'
import { balancerOf, FakeClock, FakeHealth, seeded } from './support.js'

interface Held {
  readonly lease: Lease
  readonly generation: number
}

const IDS = ['a', 'b', 'c', 'd', 'e']

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      exclude: fc.subarray(IDS, { maxLength: 2 }),
      key: fc.nat({ max: 9 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('release' as const),
      which: fc.nat(),
      outcome: fc.constantFrom<Outcome>('success', 'failure', 'overloaded', 'cancelled'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      set: fc.uniqueArray(
        fc.record({
          id: fc.constantFrom(...IDS),
          weight: fc.constantFrom(0, 0.5, 1, 3),
          maxInFlight: fc.integer({ min: 1, max: 4 }),
          generation: fc.nat({ max: 1 }),
        }),
        { selector: ({ id }) => id },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), id: fc.constantFrom(...IDS) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('recover' as const),
      id: fc.constantFrom(...IDS),
      share: fc.constantFrom(0.1, 0.5, 1),
    }),
  },
)

describe.each(policyNames)('under %s', (name) => {
  it('what is in flight is what was leased and not released, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), fc.nat(), (steps, seed) => {
        const health = new FakeHealth()
        const clock = new FakeClock()
        const start = IDS.map((id): Endpoint => ({ id, maxInFlight: 3, generation: 0 }))
        const balancer = balancerOf({
          endpoints: start,
          policy: policyByName(name),
          health,
          random: seeded(seed),
          now: clock.now,
        })
        const incarnations = new Map(start.map(({ id, generation }) => [id, { generation, number: 0 }]))
        let incarnation = 0
        let held: Held[] = []
        for (const what of steps) {
          clock.advance(50)
          if (what.do === 'acquire') {
            const before = balancer.explain({ exclude: new Set(what.exclude) })
            const lease = balancer.tryAcquire({ exclude: new Set(what.exclude), affinityKey: String(what.key) })
            const free = before
              .filter(({ verdict }) => verdict === 'picked' || verdict === 'eligible')
              .map(({ id }) => id)
            if (lease) expect(free).toContain(lease.endpoint.id)
            else expect(free).toEqual([])
            if (lease) held.push({ lease, generation: incarnations.get(lease.endpoint.id)?.number ?? -1 })
          }
          if (what.do === 'release' && held.length > 0) {
            const released = held[what.which % held.length]
            released?.lease.release({ outcome: what.outcome, latencyMs: 10 })
            held = held.filter((one) => one !== released)
          }
          if (what.do === 'update') {
            balancer.update(what.set)
            for (const id of IDS) {
              const now = what.set.find((endpoint) => endpoint.id === id)
              if (!now) incarnations.delete(id)
              else if (incarnations.get(id)?.generation !== now.generation) {
                incarnations.set(id, { generation: now.generation, number: ++incarnation })
              }
            }
          }
          if (what.do === 'fail') health.fail(what.id)
          if (what.do === 'recover') health.recover(what.id, what.share)
          for (const { id, inFlight } of balancer.snapshot()) {
            const own = held.filter(
              (one) => one.lease.endpoint.id === id && one.generation === incarnations.get(id)?.number,
            )
            expect([id, inFlight]).toEqual([id, own.length])
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('the same seed, clock and steps give the same picks', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5 }), { maxLength: 60 }), fc.nat(), (steps, seed) => {
        const play = () => {
          const clock = new FakeClock()
          const endpoints = IDS.map((id, index) => ({ id, weight: 1 + index }))
          const balancer = balancerOf({
            endpoints,
            policy: policyByName(name),
            random: seeded(seed),
            now: clock.now,
            maxInFlight: 3,
          })
          const held: Lease[] = []
          return steps.map((number) => {
            clock.advance(number * 10)
            if (number < 2)
              held.shift()?.release({ outcome: number === 0 ? 'failure' : 'success', latencyMs: 10 * number })
            const lease = balancer.tryAcquire()
            if (lease) held.push(lease)
            return lease?.endpoint.id
          })
        }
        expect(play()).toEqual(play())
      }),
      { numRuns: 30 },
    )
  })
})
