import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { type BalancerEvent, type Lease, leastConnections, roundRobin } from '../src/index.js'
import { balancerOf, endpoints, FakeClock, FakeHealth, success, take } from './support.js'

beforeEach(() => {
  jest.useFakeTimers()
})

afterEach(() => {
  expect(jest.getTimerCount()).toBe(0)
  jest.useRealTimers()
})

describe('acquire', () => {
  it('does not wait while an endpoint is free', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin() })
    expect((await balancer.acquire()).endpoint.id).toBe('a')
    expect(balancer.waiting).toBe(0)
  })

  it('serves those who wait in the order they came, as leases end', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: leastConnections(), maxInFlight: 1 })
    const held = [take(balancer), take(balancer)]
    const order: number[] = []
    const waiting = [0, 1, 2].map((place) =>
      balancer.acquire().then((lease) => {
        order.push(place)
        return lease
      }),
    )
    await Promise.resolve()
    expect(balancer.waiting).toBe(3)
    held[1]?.release(success)
    const first = await waiting[0]
    expect(order).toEqual([0])
    expect(first?.endpoint.id).toBe(held[1]?.endpoint.id)
    held[0]?.release(success)
    await waiting[1]
    first?.release(success)
    await waiting[2]
    expect(order).toEqual([0, 1, 2])
    expect(balancer.snapshot().map(({ inFlight }) => inFlight)).toEqual([1, 1])
  })

  it('refuses at once when the queue is full', async () => {
    const events: BalancerEvent[] = []
    const balancer = balancerOf({
      endpoints: endpoints(1),
      policy: roundRobin(),
      maxInFlight: 1,
      queueSize: 2,
      onEvent: (event) => events.push(event),
    })
    const held = take(balancer)
    const waiting = [balancer.acquire(), balancer.acquire()]
    await expect(balancer.acquire()).rejects.toMatchObject({ code: 'BALANCER_QUEUE_FULL', queueSize: 2 })
    expect(events).toEqual([
      { type: 'queued', waiting: 1 },
      { type: 'queued', waiting: 2 },
      { type: 'refused', code: 'BALANCER_QUEUE_FULL', waiting: 2 },
    ])
    held.release(success)
    ;(await waiting[0])?.release(success)
    ;(await waiting[1])?.release(success)
  })

  it('gives up after maxWaitMs and leaves no place behind', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), maxInFlight: 1 })
    const held = take(balancer)
    const waiting = balancer.acquire({ maxWaitMs: 250 })
    const refused = expect(waiting).rejects.toMatchObject({ code: 'BALANCER_QUEUE_TIMEOUT', maxWaitMs: 250 })
    await jest.advanceTimersByTimeAsync(250)
    await refused
    expect(balancer.waiting).toBe(0)
    held.release(success)
    expect(balancer.snapshotOf('a')?.inFlight).toBe(0)
  })

  it('does not wait with maxWaitMs 0', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), maxInFlight: 1 })
    take(balancer)
    take(balancer)
    await expect(balancer.acquire({ maxWaitMs: 0 })).rejects.toMatchObject({
      code: 'BALANCER_NO_ENDPOINT_AVAILABLE',
      total: 2,
      full: 2,
    })
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('refuses a maxWaitMs of %p', async (maxWaitMs) => {
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin() })
    await expect(balancer.acquire({ maxWaitMs })).rejects.toBeInstanceOf(RangeError)
  })

  it('ends with the reason of the signal, before and during the wait', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), maxInFlight: 1 })
    const reason = new Error('the caller went away')
    await expect(balancer.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const held = take(balancer)
    const controller = new AbortController()
    const waiting = balancer.acquire({ signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(balancer.waiting).toBe(0)
    held.release(success)
    expect(take(balancer).endpoint.id).toBe('a')
  })

  it('is served when health makes an endpoint available, at the latest when the line looks again', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health, maxInFlight: 1 })
    health.fail('b')
    take(balancer)
    const waiting = balancer.acquire()
    health.recover('b')
    await jest.advanceTimersByTimeAsync(100)
    expect((await waiting).endpoint.id).toBe('b')
  })

  it('is served at once by poke and by update', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health, maxInFlight: 1 })
    health.fail('b')
    take(balancer)
    const first = balancer.acquire()
    health.recover('b')
    balancer.poke()
    expect((await first).endpoint.id).toBe('b')
    const second = balancer.acquire()
    balancer.update(endpoints(1, 1, 1))
    expect((await second).endpoint.id).toBe('c')
  })

  it('is refused when what it waits for becomes unavailable', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), health, maxInFlight: 1 })
    take(balancer)
    const waiting = balancer.acquire()
    health.fail('a')
    balancer.poke()
    await expect(waiting).rejects.toMatchObject({ code: 'BALANCER_NO_ENDPOINT_AVAILABLE', unavailable: 1 })
  })

  it('a newcomer does not overtake those who wait for what health has just freed', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health, maxInFlight: 1 })
    health.fail('b')
    take(balancer)
    const waiting = balancer.acquire()
    health.recover('b')
    expect(balancer.tryAcquire()).toBeUndefined()
    expect((await waiting).endpoint.id).toBe('b')
  })

  it('pinned calls wait for their endpoint only, and hold nobody up', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), maxInFlight: 1 })
    const a = take(balancer, { pinnedTo: 'a' })
    const b = take(balancer, { pinnedTo: 'b' })
    const pinned = balancer.acquire({ pinnedTo: 'a' })
    const other = balancer.acquire()
    b.release(success)
    expect((await other).endpoint.id).toBe('b')
    expect(balancer.waiting).toBe(1)
    a.release(success)
    expect((await pinned).endpoint.id).toBe('a')
  })

  it('a pinned call is served although one before it, that takes any available endpoint, cannot be', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), health, maxInFlight: 1 })
    const a = take(balancer, { pinnedTo: 'a' })
    const b = take(balancer, { pinnedTo: 'b' })
    health.fail('b')
    const any = balancer.acquire()
    const pinned = balancer.acquire({ pinnedTo: 'b' })
    b.release(success)
    expect((await pinned).endpoint.id).toBe('b')
    a.release(success)
    expect((await any).endpoint.id).toBe('a')
  })

  it('a pinned call that waits is refused when its endpoint is removed', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), maxInFlight: 1 })
    take(balancer, { pinnedTo: 'a' })
    const waiting = balancer.acquire({ pinnedTo: 'a' })
    balancer.update(endpoints(1, 1).slice(1))
    await expect(waiting).rejects.toMatchObject({ code: 'BALANCER_PINNED_ENDPOINT_GONE', id: 'a' })
  })

  it('one that excludes what is free lets the next one have it', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), maxInFlight: 1 })
    const leases = [take(balancer), take(balancer)]
    const leaseOf = (id: string) => leases.find(({ endpoint }) => endpoint.id === id)
    const choosy = balancer.acquire({ exclude: new Set(['a']) })
    const easy = balancer.acquire()
    leaseOf('a')?.release(success)
    expect((await easy).endpoint.id).toBe('a')
    leaseOf('b')?.release(success)
    expect((await choosy).endpoint.id).toBe('b')
  })

  it('tells how long a call waited', async () => {
    const events: BalancerEvent[] = []
    const clock = new FakeClock()
    const balancer = balancerOf({
      endpoints: endpoints(1),
      policy: roundRobin(),
      maxInFlight: 1,
      now: clock.now,
      onEvent: (event) => events.push(event),
    })
    const held = take(balancer)
    const waiting = balancer.acquire()
    clock.advance(70)
    held.release(success)
    await waiting
    expect(events).toEqual([
      { type: 'queued', waiting: 1 },
      { type: 'dequeued', id: 'a', waitedMs: 70, waiting: 0 },
    ])
  })

  it('serves in order and never exceeds caps or the queue, whatever happens in whatever order', async () => {
    const step = fc.oneof(
      fc.constant('acquire' as const),
      fc.constant('release' as const),
      fc.constant('abort' as const),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const balancer = balancerOf({
          endpoints: endpoints(1, 1),
          policy: leastConnections(),
          maxInFlight: 2,
          queueSize: 4,
        })
        const leases: Lease[] = []
        const served: number[] = []
        const waiting = new Map<number, AbortController>()
        let arrived = 0
        const arrive = async () => {
          const place = arrived++
          const controller = new AbortController()
          waiting.set(place, controller)
          const outcome = await balancer.acquire({ signal: controller.signal }).catch((error: unknown) => error)
          waiting.delete(place)
          if (typeof outcome !== 'object' || outcome === null || !('release' in outcome)) return
          leases.push(outcome as Lease)
          served.push(place)
        }
        for (const what of steps) {
          if (what === 'acquire') void arrive()
          if (what === 'release') leases.shift()?.release(success)
          if (what === 'abort') [...waiting.values()].at(-1)?.abort(new Error('gone'))
          await jest.advanceTimersByTimeAsync(0)
          const inFlight = balancer.snapshot().map((endpoint) => endpoint.inFlight)
          expect(inFlight.reduce((a, b) => a + b)).toBe(leases.length)
          expect(Math.max(...inFlight)).toBeLessThanOrEqual(2)
          expect(balancer.waiting).toBeLessThanOrEqual(4)
          if (balancer.waiting > 0) expect(leases).toHaveLength(4)
        }
        expect(served).toEqual([...served].sort((a, b) => a - b))
        for (const controller of waiting.values()) controller.abort(new Error('over'))
        await jest.advanceTimersByTimeAsync(0)
      }),
      { numRuns: 60 },
    )
  })
})
