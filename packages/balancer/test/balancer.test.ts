import { describe, expect, it } from '@jest/globals'
import {
  Balancer,
  type BalancerEvent,
  type Candidate,
  DuplicateEndpointError,
  leastConnections,
  type Picker,
  PinnedEndpointGoneError,
  type PreparedPolicy,
  policyByName,
  policyNames,
  roundRobin,
  type ScanningPolicy,
  weighted,
} from '../src/index.js'
import { balancerOf, countOf, endpoints, FakeHealth, failure, pickIds, success, take } from './support.js'

describe('leases', () => {
  it('counts as in flight until released, and gives back the very endpoint', () => {
    const replica = { id: 'a', url: 'http://10.0.0.1' }
    const balancer = new Balancer({ endpoints: [replica], policy: roundRobin() })
    const lease = balancer.tryAcquire()
    expect(lease?.endpoint).toBe(replica)
    expect(balancer.snapshotOf('a')).toMatchObject({ inFlight: 1, picks: 1 })
    lease?.release(success)
    expect(balancer.snapshotOf('a')).toMatchObject({ inFlight: 0, picks: 1 })
  })

  it('ignores a second release and tells it', () => {
    const events: BalancerEvent[] = []
    const health = new FakeHealth()
    const balancer = balancerOf({
      endpoints: endpoints(1),
      policy: roundRobin(),
      health,
      onEvent: (event) => events.push(event),
    })
    const lease = take(balancer)
    lease.release(success)
    lease.release(failure)
    expect(balancer.snapshotOf('a')).toMatchObject({ inFlight: 0, errorRatio: 0 })
    expect(health.observed).toHaveLength(1)
    expect(events).toEqual([{ type: 'released-twice', id: 'a' }])
  })

  it('releases with a promise, whose rejection is a failure', async () => {
    const events: BalancerEvent[] = []
    const balancer = balancerOf({
      endpoints: endpoints(1),
      policy: roundRobin(),
      onEvent: (event) => events.push(event),
    })
    const answered = Promise.resolve(success)
    take(balancer).releaseWith(answered)
    expect(balancer.snapshotOf('a')?.inFlight).toBe(1)
    await answered
    expect(balancer.snapshotOf('a')).toMatchObject({ inFlight: 0, errorRatio: 0 })
    const error = new Error('the body broke off')
    const broken = Promise.reject(error)
    take(balancer).releaseWith(broken)
    await expect(broken).rejects.toBe(error)
    expect(balancer.snapshotOf('a')?.inFlight).toBe(0)
    expect(balancer.snapshotOf('a')?.errorRatio).toBeGreaterThan(0)
    expect(events).toEqual([{ type: 'report-rejected', id: 'a', error }])
  })

  it('gives the very report to health', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), health })
    const report = { outcome: 'failure', hard: true } as const
    take(balancer).release(report)
    expect(health.observed).toEqual([['a', report]])
    expect(health.observed[0]?.[1]).toBe(report)
  })
})

describe('caps', () => {
  it('never gives more leases than the cap, by default 64', () => {
    const balancer = balancerOf({ endpoints: [{ id: 'a' }, { id: 'b', maxInFlight: 2 }], policy: leastConnections() })
    for (let call = 0; call < 66; call++) take(balancer)
    expect(balancer.tryAcquire()).toBeUndefined()
    expect(balancer.snapshot().map(({ inFlight, maxInFlight }) => [inFlight, maxInFlight])).toEqual([
      [64, 64],
      [2, 2],
    ])
  })

  it('lowers the cap during slow start, to one call at least', () => {
    const health = new FakeHealth()
    health.recover('a', 0.25)
    health.recover('b', 0.01)
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: leastConnections(), health, maxInFlight: 8 })
    for (let call = 0; call < 3; call++) take(balancer)
    expect(balancer.tryAcquire()).toBeUndefined()
    expect(balancer.snapshot().map(({ inFlight }) => inFlight)).toEqual([2, 1])
    health.recover('a', 1)
    for (let call = 0; call < 6; call++) expect(take(balancer).endpoint.id).toBe('a')
    expect(balancer.tryAcquire()).toBeUndefined()
  })
})

describe.each(policyNames)('who may be picked under %s', (name) => {
  const policy = policyByName(name)

  it('nobody who is unavailable, excluded, or of weight 0', () => {
    const health = new FakeHealth()
    health.fail('a')
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 0, 1), policy, health })
    expect(countOf(pickIds(balancer, 20))).not.toHaveProperty('a')
    expect(countOf(pickIds(balancer, 20))).not.toHaveProperty('c')
    const exclude = new Set(['b', 'gone long ago'])
    for (let call = 0; call < 20; call++) {
      const lease = take(balancer, { exclude })
      expect(lease.endpoint.id).toBe('d')
      lease.release(success)
    }
    expect(balancer.tryAcquire({ exclude: new Set(['b', 'd']) })).toBeUndefined()
    expect(new Set(pickIds(balancer, 60))).toEqual(new Set(['b', 'd']))
  })

  it('nobody of an empty set', () => {
    expect(balancerOf({ endpoints: [], policy }).tryAcquire()).toBeUndefined()
  })

  it('asks health again only when its version has grown', () => {
    let asked = 0
    const health = { version: 1, isAvailable: () => ++asked > 0 }
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy, health })
    const before = asked
    pickIds(balancer, 10)
    expect(asked).toBe(before)
    health.version++
    pickIds(balancer, 10)
    expect(asked).toBe(before + 2)
  })
})

describe('pinned calls', () => {
  it('go to their endpoint although it is unavailable, in slow start, or of weight 0', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 0, 1), policy: roundRobin(), health, maxInFlight: 3 })
    health.fail('a')
    health.recover('c', 0.1)
    for (const pinnedTo of ['a', 'b', 'c']) {
      for (let call = 0; call < 3; call++) expect(take(balancer, { pinnedTo }).endpoint.id).toBe(pinnedTo)
      expect(balancer.tryAcquire({ pinnedTo })).toBeUndefined()
    }
  })

  it('are refused when the endpoint is held or removed', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health })
    health.hold('a')
    expect(() => balancer.tryAcquire({ pinnedTo: 'a' })).toThrow(PinnedEndpointGoneError)
    balancer.update(endpoints(1))
    expect(() => balancer.tryAcquire({ pinnedTo: 'b' })).toThrow(
      expect.objectContaining({ code: 'BALANCER_PINNED_ENDPOINT_GONE', id: 'b', reason: 'removed' }),
    )
  })

  it('do not go to an endpoint that is excluded as well', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin() })
    expect(balancer.tryAcquire({ pinnedTo: 'a', exclude: new Set(['a']) })).toBeUndefined()
  })

  it('count against the endpoint for everybody', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: leastConnections() })
    take(balancer, { pinnedTo: 'a' })
    expect(take(balancer).endpoint.id).toBe('b')
  })
})

describe('update', () => {
  it('keeps load and what was learned of those that stay, and gives the new object to new leases', () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin() })
    take(balancer, { pinnedTo: 'a' })
    take(balancer, { pinnedTo: 'a' }).release(failure)
    const before = balancer.snapshotOf('a')
    const replacement = { id: 'a', weight: 3 }
    balancer.update([{ id: 'c' }, replacement])
    expect(balancer.snapshotOf('a')).toEqual({ ...before, weight: 3 })
    expect(balancer.snapshot().map(({ id }) => id)).toEqual(['a', 'c'])
    expect(take(balancer, { pinnedTo: 'a' }).endpoint).toBe(replacement)
  })

  it('lets leases of removed endpoints end quietly', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health })
    const lease = take(balancer, { pinnedTo: 'a' })
    balancer.update(endpoints(1, 1).slice(1))
    lease.release(failure)
    expect(health.observed).toEqual([])
    expect(pickIds(balancer, 3)).toEqual(['b', 'b', 'b'])
  })

  it('starts afresh with a new generation, and reports of the old one do not count for the new', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({
      endpoints: [{ id: 'a', generation: 1, maxInFlight: 1 }],
      policy: roundRobin(),
      health,
    })
    const old = take(balancer)
    balancer.update([{ id: 'a', generation: 2, maxInFlight: 1 }])
    const fresh = take(balancer)
    old.release(failure)
    expect(balancer.snapshotOf('a')).toMatchObject({ inFlight: 1, errorRatio: 0, picks: 1 })
    expect(balancer.tryAcquire()).toBeUndefined()
    expect(health.observed).toEqual([])
    fresh.release(success)
    expect(health.observed).toHaveLength(1)
  })

  it('takes a raised or lowered cap at once', () => {
    const balancer = balancerOf({ endpoints: [{ id: 'a', maxInFlight: 1 }], policy: leastConnections() })
    const held = take(balancer)
    balancer.update([{ id: 'a', maxInFlight: 2 }])
    const second = take(balancer)
    balancer.update([{ id: 'a', maxInFlight: 1 }])
    held.release(success)
    expect(balancer.tryAcquire()).toBeUndefined()
    second.release(success)
    expect(take(balancer).endpoint.id).toBe('a')
  })

  it('refuses a set with two of one id, a bad weight or a bad cap, and changes nothing', () => {
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin() })
    expect(() => balancer.update([{ id: 'b' }, { id: 'b' }])).toThrow(DuplicateEndpointError)
    for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => balancer.update([{ id: 'b', weight }])).toThrow(RangeError)
    }
    for (const maxInFlight of [0, 1.5, -1, Number.NaN]) {
      expect(() => balancer.update([{ id: 'b', maxInFlight }])).toThrow(RangeError)
    }
    expect(pickIds(balancer, 1)).toEqual(['a'])
  })

  it('tells who came and who went', () => {
    const events: BalancerEvent[] = []
    const balancer = balancerOf({
      endpoints: endpoints(1, 1),
      policy: roundRobin(),
      onEvent: (event) => events.push(event),
    })
    balancer.update([{ id: 'a' }, { id: 'b', generation: 2 }, { id: 'c' }])
    expect(events).toEqual([
      { type: 'updated', added: ['b', 'c'], removed: ['b'], total: 3 },
      { type: 'availability', available: 3, total: 3 },
    ])
  })
})

describe('options', () => {
  it.each([
    { maxInFlight: 0 },
    { maxInFlight: 2.5 },
    { queueSize: -1 },
    { queueSize: 1.5 },
    { panicBelowRatio: 1.1 },
    { panicBelowRatio: Number.NaN },
  ])('refuses %j', (bad) => {
    expect(() => balancerOf({ endpoints: endpoints(1), policy: roundRobin(), ...bad })).toThrow(RangeError)
    expect(() => balancerOf({ endpoints: endpoints(1), policy: roundRobin(), ...bad })).toThrow(Object.keys(bad)[0])
  })

  it('an observer that throws harms no call', () => {
    const onEvent = () => {
      throw new Error('mine')
    }
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), onEvent })
    balancer.update(endpoints(1, 1))
    expect(new Set(pickIds(balancer, 4))).toEqual(new Set(['a', 'b']))
  })
})

describe('a policy of your own', () => {
  it('may keep a prepared form, which is told of changes only', () => {
    const told: string[] = []
    const policy: PreparedPolicy = {
      name: 'first-open',
      picker: <C extends Candidate>(): Picker<C> => {
        let open: C[] = []
        return {
          prepare: (candidates) => {
            open = [...candidates]
            told.push(`prepare ${candidates.map(({ endpoint }) => endpoint.id).join('')}`)
          },
          setOpen: (candidate, isOpen) => {
            open = isOpen ? [candidate, ...open] : open.filter((one) => one !== candidate)
            told.push(`${isOpen ? 'open' : 'close'} ${candidate.endpoint.id}`)
          },
          pick: () => open[0],
        }
      },
    }
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy, health, maxInFlight: 2 })
    pickIds(balancer, 5)
    health.version++
    pickIds(balancer, 5)
    expect(told).toEqual(['prepare ab'])
    const leases = [take(balancer), take(balancer)]
    leases[0]?.release(success)
    expect(told.splice(0)).toEqual(['prepare ab', 'close a', 'open a'])
    health.fail('b')
    pickIds(balancer, 1)
    balancer.update(endpoints(1))
    expect(told).toEqual(['prepare a', 'close a', 'open a', 'prepare a'])
  })

  it('is one function over the candidates', () => {
    const fewestPicksAhead: ScanningPolicy = {
      name: 'last-id',
      pick: (candidates) => candidates.reduce((a, b) => (b.endpoint.id > a.endpoint.id ? b : a)),
    }
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 1), policy: fewestPicksAhead, maxInFlight: 1 })
    expect(Array.from({ length: 3 }, () => take(balancer).endpoint.id)).toEqual(['c', 'b', 'a'])
  })

  it('is told when it picks what it was not offered', () => {
    const stubborn: ScanningPolicy = {
      name: 'stubborn',
      pick: (() => {
        let first: unknown
        return ((candidates: readonly unknown[]) => (first ??= candidates[0])) as ScanningPolicy['pick']
      })(),
    }
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: stubborn, maxInFlight: 1 })
    take(balancer)
    expect(() => balancer.tryAcquire()).toThrow(/stubborn picked something/)
  })
})

describe('explain and snapshot', () => {
  it('say who would be picked and why not the others, and change nothing', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({
      endpoints: [...endpoints(1, 1, 0, 1, 1), { id: 'f', maxInFlight: 1 }],
      policy: weighted(),
      health,
    })
    health.fail('d')
    take(balancer, { pinnedTo: 'f' })
    for (let call = 0; call < 10; call++) {
      const exclude = new Set(['e'])
      const explained = balancer.explain({ exclude })
      const verdicts = Object.fromEntries(explained.map(({ id, verdict }) => [id, verdict]))
      const picked = explained.find(({ verdict }) => verdict === 'picked')?.id ?? ''
      const other = picked === 'a' ? 'b' : 'a'
      expect(verdicts).toEqual({
        [picked]: 'picked',
        [other]: 'eligible',
        c: 'weight_zero',
        d: 'unavailable',
        e: 'excluded',
        f: 'full',
      })
      expect(balancer.explain({ exclude })).toEqual(explained)
      const lease = take(balancer, { exclude })
      expect(lease.endpoint.id).toBe(picked)
      lease.release(success)
    }
  })

  it('explain does not disturb the picks of a seed', () => {
    for (const name of policyNames) {
      const quiet = balancerOf({ endpoints: endpoints(1, 2, 3), policy: policyByName(name) })
      const asked = balancerOf({ endpoints: endpoints(1, 2, 3), policy: policyByName(name) })
      const ids = Array.from({ length: 30 }, () => {
        asked.explain()
        return pickIds(asked, 1)[0]
      })
      expect([name, ids]).toEqual([name, pickIds(quiet, 30)])
    }
  })

  it('explain a pinned call', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health, maxInFlight: 1 })
    const verdicts = () => balancer.explain({ pinnedTo: 'a' }).map(({ verdict }) => verdict)
    expect(verdicts()).toEqual(['picked', 'excluded'])
    take(balancer, { pinnedTo: 'a' })
    expect(verdicts()).toEqual(['full', 'excluded'])
    health.hold('a')
    expect(verdicts()).toEqual(['unavailable', 'excluded'])
  })

  it('show load, share, cost and score', () => {
    const health = new FakeHealth()
    health.recover('a', 0.5)
    health.fail('b')
    const balancer = balancerOf({ endpoints: endpoints(4, 1, 0), policy: roundRobin(), health, maxInFlight: 8 })
    take(balancer)
    expect(balancer.explain()).toMatchObject([
      { id: 'a', available: true, weight: 2, share: 0.5, inFlight: 1, maxInFlight: 8, picks: 1, cost: 1, score: 50 },
      { id: 'b', available: false, score: 0 },
      { id: 'c', weight: 0, cost: undefined, score: 100 },
    ])
    expect(balancer.snapshotOf('nobody')).toBeUndefined()
  })
})
