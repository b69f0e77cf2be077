import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type EverythingServer, everythingStdio, startEverything, waitFor } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { rest } from './support/rest.js'

const CALLS = 1_000
const CONCURRENCY = 20

let servers: EverythingServer[]
let harness: Harness

beforeAll(async () => {
  servers = await Promise.all([1, 2, 3].map(() => startEverything({ transport: 'streamableHttp' })))
  const stdio = everythingStdio()
  const http = servers.map((server, index) => ({ id: `http-${index}`, endpoint: server.url }))
  harness = await startGateway({ everything: [...http, { id: 'stdio', command: stdio.command, args: stdio.args }] })
})

afterAll(async () => {
  await harness.stop()
  await Promise.all(servers.map((server) => server.stop()))
})

/** Runs `count` echo calls, `CONCURRENCY` at a time; each answer must be the one to its own question. */
async function echo(count: number, onCall?: (index: number) => void): Promise<Map<string, number>> {
  const landed = new Map<string, number>()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      onCall?.(index)
      const answer = await rest(harness.base, '/mcp/everything/tools/call', {
        name: 'echo',
        arguments: { message: `m${index}` },
      })
      expect(answer.json).toEqual({ content: [{ type: 'text', text: `Echo: m${index}` }] })
      const instance = answer.headers.get('x-gateway-instance') ?? ''
      landed.set(instance, (landed.get(instance) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  return landed
}

async function use(strategy: string, weights: Readonly<Record<string, number>> = {}): Promise<void> {
  const by = { actor: 'test' }
  await harness.registry.updateTemplate(
    'everything',
    { load_balancer: { strategy }, affinity: strategy === 'rendezvous' ? { by: 'argument', name: 'message' } : null },
    by,
  )
  for (const id of ['http-0', 'http-1', 'http-2', 'stdio']) {
    await harness.registry.updateInstance('everything', id, { weight: weights[id] ?? 1 }, by)
  }
}

describe('1,000 calls over three HTTP instances and one stdio instance', () => {
  it('land evenly by round robin', async () => {
    await use('round_robin')
    expect([...(await echo(CALLS)).values()]).toEqual([250, 250, 250, 250])
  })

  it('land by weight, to the call', async () => {
    await use('weighted', { 'http-0': 5, 'http-1': 3, 'http-2': 2, stdio: 0 })
    expect(Object.fromEntries(await echo(CALLS))).toEqual({ 'http-0': 500, 'http-1': 300, 'http-2': 200 })
  })

  it.each(['least_connections', 'health_based', 'random', 'peak_ewma', 'rendezvous'])(
    'reach every instance by %s',
    async (strategy) => {
      await use(strategy)
      const landed = await echo(CALLS)
      expect([...landed.keys()].sort()).toEqual(['http-0', 'http-1', 'http-2', 'stdio'])
      expect([...landed.values()].reduce((sum, count) => sum + count, 0)).toBe(CALLS)
      if (strategy === 'random' || strategy === 'rendezvous') {
        // Four standard deviations of a fair share of 1,000 draws.
        for (const count of landed.values()) expect(Math.abs(count - 250)).toBeLessThan(60)
      }
    },
  )
})

describe('kill -9 of one instance under load', () => {
  it('fails no list, repeats no call, says which calls are unknown, ejects the instance and takes it back', async () => {
    await use('round_robin')
    const outcomes: { status: number; executed: unknown; instance: unknown }[] = []
    let listing = true
    const lists = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (listing) expect((await rest(harness.base, '/mcp/everything/tools/list')).status).toBe(200)
      }),
    )
    const calls = Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const answer = await rest(harness.base, '/mcp/everything/tools/call', {
          name: 'trigger-long-running-operation',
          arguments: { duration: 2, steps: 2 },
        })
        outcomes.push({
          status: answer.status,
          executed: answer.json['executed'],
          instance: answer.json['instance_id'] ?? index,
        })
      }),
    )
    await waitFor(() => harness.gateway.inFlightOf('everything', 'http-1') >= 5)
    await servers[1]?.kill9()
    await calls
    const failed = outcomes.filter(({ status }) => status !== 200)
    expect(failed.length).toBeGreaterThan(0)
    for (const outcome of failed)
      expect(outcome).toMatchObject({ status: 502, executed: 'unknown', instance: 'http-1' })
    await waitFor(async () => (await rest(harness.base, '/mcp/everything/health')).json['healthy_instances'] === 3, {})
    for (let index = 0; index < 30; index++) {
      expect(
        (await rest(harness.base, '/mcp/everything/tools/call', { name: 'echo', arguments: { message: 'x' } })).status,
      ).toBe(200)
    }
    await servers[1]?.restart()
    await waitFor(async () => (await rest(harness.base, '/mcp/everything/health')).json['healthy_instances'] === 4, {})
    listing = false
    await lists
  })
})

describe('a changed health check', () => {
  it('takes over without taking an instance out of service', async () => {
    const by = { actor: 'test' }
    await waitFor(async () => (await rest(harness.base, '/mcp/everything/health')).json['healthy_instances'] === 4, {})
    await harness.registry.updateTemplate('everything', { load_balancer: { health_check_interval: 7 } }, by)
    await waitFor(async () => {
      expect(
        (await rest(harness.base, '/mcp/everything/tools/call', { name: 'echo', arguments: { message: 'x' } })).status,
      ).toBe(200)
      return harness.gateway.stats().health_checker.check_interval_seconds === 7
    })
    expect((await rest(harness.base, '/mcp/everything/health')).json['healthy_instances']).toBe(4)
  })
})
