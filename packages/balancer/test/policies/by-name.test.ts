import { describe, expect, it } from '@jest/globals'
import { isPolicyName, policyByName, policyNames, UnknownPolicyError } from '../../src/index.js'
import { balancerOf, endpoints, manyEndpoints, pickIds, take } from '../support.js'

describe('policies by name', () => {
  it('there are seven, round robin first', () => {
    expect(policyNames).toEqual([
      'round_robin',
      'least_connections',
      'weighted',
      'health_based',
      'random',
      'peak_ewma',
      'rendezvous',
    ])
  })

  it.each(policyNames)('%s has its own name', (name) => {
    expect(isPolicyName(name)).toBe(true)
    expect(policyByName(name).name).toBe(name)
  })

  it('an unknown name is refused with the known ones', () => {
    expect(isPolicyName('fastest')).toBe(false)
    expect(() => policyByName('fastest')).toThrow(UnknownPolicyError)
    expect(() => policyByName('fastest')).toThrow(/round_robin, least_connections/)
  })

  it.each(policyNames)('%s: one policy object serves two balancers that know nothing of each other', (name) => {
    const policy = policyByName(name)
    const alone = balancerOf({ endpoints: endpoints(1, 2, 1), policy: policyByName(name) })
    const one = balancerOf({ endpoints: endpoints(1, 2, 1), policy })
    const other = balancerOf({ endpoints: manyEndpoints(5), policy })
    const ids = Array.from({ length: 20 }, () => {
      pickIds(other, 1)
      return pickIds(one, 1)[0]
    })
    expect(ids).toEqual(pickIds(alone, 20))
  })

  it.each(policyNames)('%s fills all endpoints to their caps and then finds none', (name) => {
    const balancer = balancerOf({ endpoints: manyEndpoints(40), policy: policyByName(name), maxInFlight: 2 })
    for (let call = 0; call < 80; call++) take(balancer)
    expect(balancer.tryAcquire()).toBeUndefined()
    expect(balancer.snapshot().every(({ inFlight }) => inFlight === 2)).toBe(true)
  })

  it.each(policyNames)('%s: sequential calls do not all go to one endpoint', (name) => {
    const balancer = balancerOf({ endpoints: manyEndpoints(3), policy: policyByName(name) })
    expect(new Set(pickIds(balancer, 60)).size).toBe(3)
  })
})
