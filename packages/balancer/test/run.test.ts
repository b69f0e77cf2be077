import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { Balancer, leastConnections, roundRobin } from '../src/index.js'
import { balancerOf, endpoints, FakeClock, FakeHealth, take } from './support.js'

describe('run', () => {
  it('calls with the endpoint, returns the result, and learns the time it took', async () => {
    const clock = new FakeClock()
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), now: clock.now, health })
    const result = await balancer.run(
      async (endpoint) => {
        expect(balancer.snapshotOf('a')?.inFlight).toBe(1)
        clock.advance(30)
        return `from ${endpoint.id}`
      },
      { kind: 'list' },
    )
    expect(result).toBe('from a')
    expect(balancer.snapshotOf('a')).toMatchObject({ inFlight: 0, latencyMs: 30 })
    expect(health.observed).toEqual([['a', { outcome: 'success', latencyMs: 30, kind: 'list' }]])
  })

  it('reports what classify says, an outcome or a whole report', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), health })
    await balancer.run(() => 503, { classify: () => 'overloaded' })
    await balancer.run(() => 503, {
      classify: () => ({ outcome: 'overloaded', retryAfterMs: 7, latencyMs: undefined }),
    })
    expect(health.observed.map(([, report]) => report)).toMatchObject([
      { outcome: 'overloaded', latencyMs: 0 },
      { outcome: 'overloaded', latencyMs: undefined, retryAfterMs: 7 },
    ])
  })

  it('a throw is a failure and goes through, an abort of the caller is cancelled', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), health })
    const error = new Error('connection refused')
    const fail = () => Promise.reject(error)
    await expect(balancer.run(fail)).rejects.toBe(error)
    const controller = new AbortController()
    const abort = () => {
      controller.abort(error)
      return fail()
    }
    await expect(balancer.run(abort, { signal: controller.signal })).rejects.toBe(error)
    expect(health.observed.map(([, { outcome }]) => outcome)).toEqual(['failure', 'cancelled'])
    expect(balancer.snapshotOf('a')?.inFlight).toBe(0)
  })

  it('a classify that throws blames nobody and holds no lease', async () => {
    const health = new FakeHealth()
    const balancer = balancerOf({ endpoints: endpoints(1), policy: roundRobin(), health })
    const classify = () => {
      throw new Error('a bug of the caller')
    }
    await expect(balancer.run(() => 1, { classify })).rejects.toThrow('a bug of the caller')
    expect(health.observed.map(([, { outcome }]) => outcome)).toEqual(['cancelled'])
    expect(balancer.snapshotOf('a')?.inFlight).toBe(0)
  })

  it('passes the context and the bounds of the wait on', async () => {
    const balancer = balancerOf({ endpoints: endpoints(1, 1), policy: roundRobin(), maxInFlight: 1 })
    take(balancer, { pinnedTo: 'a' })
    expect(await balancer.run(({ id }) => id, { context: { exclude: new Set(['a']) } })).toBe('b')
    const never = () => {
      throw new Error('not to be called')
    }
    await expect(balancer.run(never, { context: { pinnedTo: 'a' }, maxWaitMs: 0 })).rejects.toMatchObject({ full: 1 })
  })

  it('spreads real requests over real servers', async () => {
    const servers = ['one', 'two'].map((name) => createServer((_request, response) => response.end(name)))
    const replicas = await Promise.all(
      servers.map(async (server) => {
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        const { port } = server.address() as AddressInfo
        return { id: String(port), url: `http://127.0.0.1:${port}` }
      }),
    )
    try {
      const search = new Balancer({ endpoints: replicas, policy: leastConnections() })
      const answers = Array.from({ length: 20 }, () =>
        search.run(async (replica) =>
          (await fetch(new URL('/query', replica.url), { headers: { connection: 'close' } })).text(),
        ),
      )
      const texts = await Promise.all(answers)
      expect(texts.filter((text) => text === 'one')).toHaveLength(10)
      expect(search.snapshot().map(({ inFlight, errorRatio }) => [inFlight, errorRatio])).toEqual([
        [0, 0],
        [0, 0],
      ])
    } finally {
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    }
  })
})
