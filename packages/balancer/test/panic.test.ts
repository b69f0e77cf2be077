import { describe, expect, it } from '@jest/globals'
import { type BalancerEvent, NoEndpointAvailableError, roundRobin } from '../src/index.js'
import { balancerOf, countOf, endpoints, FakeHealth, manyEndpoints, pickIds, take } from './support.js'

describe('when nothing is available', () => {
  it('refuses by default, saying how many and why', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 0), policy: roundRobin(), health })
    for (const id of ['a', 'b']) health.fail(id, 1)
    expect(balancer.tryAcquire()).toBeUndefined()
    const refusal = balancer.acquire({ exclude: new Set(['b']) })
    await expect(refusal).rejects.toBeInstanceOf(NoEndpointAvailableError)
    await expect(refusal).rejects.toMatchObject({
      code: 'BALANCER_NO_ENDPOINT_AVAILABLE',
      total: 3,
      unavailable: 1,
      excluded: 1,
      weightZero: 1,
      full: 0,
    })
  })

  it('a call that allows it gets the lowest rank of those that health ranks, never the others', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1, 1, 1), policy: roundRobin(), health })
    health.fail('a', 2)
    health.fail('b', 1)
    health.fail('c')
    health.fail('d', 1)
    const pick = (exclude?: ReadonlySet<string>) =>
      balancer.tryAcquire({ allowUnavailable: true, exclude })?.endpoint.id
    expect([pick(), pick()].sort()).toEqual(['b', 'd'])
    expect(pick(new Set(['b', 'd']))).toBe('a')
    expect(pick(new Set(['a', 'b', 'd']))).toBeUndefined()
    expect(balancer.tryAcquire()).toBeUndefined()
  })

  it('a call that allows it still gets an available one if there is one', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health, maxInFlight: 1 })
    health.fail('a', 1)
    expect(take(balancer, { allowUnavailable: true }).endpoint.id).toBe('b')
    expect(balancer.tryAcquire({ allowUnavailable: true })).toBeUndefined()
  })

  it('with panic, does so for every call, and tells when it begins and ends', () => {
    const events: BalancerEvent[] = []
    const health = new FakeHealth()
    const balancer = balancerOf({
      endpoints: endpoints(1, 1),
      policy: roundRobin(),
      health,
      whenNoneAvailable: 'panic',
      onEvent: (event) => events.push(event),
    })
    health.fail('a', 1)
    expect(pickIds(balancer, 2)).toEqual(['b', 'b'])
    health.fail('b', 2)
    expect(pickIds(balancer, 2)).toEqual(['a', 'a'])
    expect(balancer.tryAcquire({ allowUnavailable: false })).toBeUndefined()
    health.recover('b')
    expect(pickIds(balancer, 2)).toEqual(['b', 'b'])
    expect(events.filter(({ type }) => type === 'panic')).toEqual([
      { type: 'panic', active: true, available: 0, total: 2 },
      { type: 'panic', active: false, available: 1, total: 2 },
    ])
    expect(events.filter(({ type }) => type === 'availability')).toHaveLength(3)
  })

  it('with panicBelowRatio, spreads over all that are ranked when too few are left', () => {
    const health = new FakeHealth()
    const balancer = balancerOf({
      endpoints: manyEndpoints(4),
      policy: roundRobin(),
      health,
      whenNoneAvailable: 'panic',
      panicBelowRatio: 0.5,
    })
    health.fail('a', 1)
    health.fail('b', 1)
    expect(countOf(pickIds(balancer, 8))).toEqual({ c: 4, d: 4 })
    health.fail('c')
    expect(countOf(pickIds(balancer, 9))).toEqual({ a: 3, b: 3, d: 3 })
  })

  it('with a health that ranks nobody, every unavailable endpoint is a last resort', () => {
    const balancer = balancerOf({
      endpoints: endpoints(1, 1),
      policy: roundRobin(),
      health: { version: 1, isAvailable: () => false },
    })
    expect(balancer.tryAcquire()).toBeUndefined()
    expect(new Set([1, 2].map(() => take(balancer, { allowUnavailable: true }).endpoint.id))).toEqual(
      new Set(['a', 'b']),
    )
  })
})
