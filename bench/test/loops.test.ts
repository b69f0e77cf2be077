import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Fault, startFaultServer } from '@mcp-platform/test-kit'
import { callOnce, openClient } from '../load/client.ts'
import { closedLoop } from '../load/closed-loop.ts'
import { RequestMaker } from '../load/dialects.ts'
import { openLoop } from '../load/open-loop.ts'
import { type BenchServer, startScript } from '../servers/server.ts'

let upstream: BenchServer

beforeEach(async () => {
  upstream = await startScript('null', join(import.meta.dirname, '../servers/null-upstream.ts'), [])
})

afterEach(() => upstream.stop())

describe('the load generator', () => {
  it.each(['modern', 'legacy'] as const)('gets every answer right in the %s dialect', async (dialect) => {
    const clients = await Promise.all([1, 2, 3].map(() => openClient({ url: upstream.url, dialect, tool: 'ping' })))
    const sample = await closedLoop(clients, 100)
    for (const client of clients) await client.close()
    expect(sample.wrong).toBe(0)
    expect(sample.requests).toBeGreaterThan(0)
  })

  it('sends as many requests as were due in an open loop', async () => {
    const clients = await Promise.all(
      [1, 2].map(() => openClient({ url: upstream.url, dialect: 'modern', tool: 'ping' })),
    )
    const sample = await openLoop(clients, { requestsPerSecond: 500, durationMs: 200 })
    for (const client of clients) await client.close()
    expect([sample.requests, sample.wrong]).toEqual([100, 0])
  })

  it.each(['raw-proxy', 'express-proxy'])('gets right answers through the reference %s', async (name) => {
    const script = join(import.meta.dirname, `../servers/${name}.ts`)
    const proxy = await startScript(name, script, ['0', upstream.url])
    const faults = []
    for (const dialect of ['modern', 'legacy'] as const) {
      const client = await openClient({ url: proxy.url, dialect, tool: 'ping' })
      faults.push(await callOnce(client))
      await client.close()
    }
    await proxy.stop()
    expect(faults).toEqual([undefined, undefined])
  })

  it('counts a request that is never answered as wrong, and ends', async () => {
    const connection = { send: () => undefined, listen: () => undefined, exchange: never, close: () => undefined }
    const requests = new RequestMaker({ dialect: 'modern', tool: 'ping', url: new URL(upstream.url) })
    const sample = await closedLoop([{ connection, requests, close: async () => undefined }], 10, 10)
    expect([sample.requests, sample.wrong, sample.firstWrong]).toEqual([0, 1, 'a request was not answered in time'])
  })

  const wrong: readonly Fault[] = [{ kind: 'wrong-id' }, { kind: 'status', status: 500 }, { kind: 'html' }]
  it.each(wrong)('notices an answer that is wrong by $kind', async (fault) => {
    const pong = { definition: { name: 'ping' }, run: (args: Readonly<Record<string, unknown>>) => answer(args['n']) }
    await using server = await startFaultServer(fault, { tools: [pong] })
    const client = await openClient({ url: server.url, dialect: 'modern', tool: 'ping' })
    const sample = await closedLoop([client], 20)
    await client.close()
    expect(sample.requests).toBe(0)
    expect(sample.wrong).toBeGreaterThan(0)
  })
})

function never(): Promise<never> {
  return new Promise(() => undefined)
}

function answer(n: unknown): { result: { content: { type: string; text: string }[] } } {
  return { result: { content: [{ type: 'text', text: `pong ${n}` }] } }
}
