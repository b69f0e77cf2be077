import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer } from '@mcp-platform/test-kit'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { addCounts, type GatewayCounts, type Hop, settled } from '../src/index.js'
import { type Harness, startGateway } from './support/harness.js'

const sealingKeys = [{ kid: 'k', key: randomBytes(32) }]
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function server(): Promise<FaultServer> {
  const started = await startFaultServer()
  stops.push(() => started.stop())
  return started
}

async function gateway(url: string, options: Parameters<typeof startGateway>[1] = {}): Promise<Harness> {
  const started = await startGateway({ t: [{ id: 'one', endpoint: url }] }, options)
  stops.push(() => started.stop())
  return started
}

function callSlow(harness: Harness, ms: number): Promise<Response> {
  return fetch(`${harness.base}/mcp/t/tools/call`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'slow', arguments: { ms } }),
  })
}

describe('one of several processes', () => {
  it('sends a message of another one there, and serves what is its own', async () => {
    const { url } = await server()
    const hops: string[] = []
    const hop: Hop = async (home, { response }) => {
      hops.push(home)
      response.writeHead(204).end()
      return true
    }
    const first = await gateway(url, { home: 'w1', sealingKeys })
    const second = await gateway(url, { home: 'w2', sealingKeys, hop })
    const session = await initialize(first)
    expect(await deleteSession(second, session)).toBe(204)
    expect(await deleteSession(second, await initialize(second))).toBe(200)
    expect(hops).toEqual(['w1'])
  })

  it('answers 404 for a session whose home is gone', async () => {
    const { url } = await server()
    const first = await gateway(url, { home: 'w1', sealingKeys })
    const second = await gateway(url, { home: 'w2', sealingKeys, hop: async () => false })
    expect(await deleteSession(second, await initialize(first))).toBe(404)
  })

  it('gets its part of the caps, and never less than one', async () => {
    const { url } = await server()
    const harness = await gateway(url, {
      processes: 4,
      settings: { load_balancer: { max_in_flight: 6, queue_size: 4 } },
    })
    expect(harness.gateway.explain('t').instances[0]?.max_in_flight).toBe(1)
    const statuses = (await Promise.all(Array.from({ length: 4 }, () => callSlow(harness, 100)))).map((r) => r.status)
    expect(statuses.sort()).toEqual([200, 200, 503, 503])
  })

  it('limits a principal to its part', async () => {
    const { url } = await server()
    const harness = await gateway(url, { processes: 2, maxInFlightPerPrincipal: 2 })
    const statuses = (await Promise.all([callSlow(harness, 100), callSlow(harness, 100)])).map((r) => r.status)
    expect(statuses.sort()).toEqual([200, 429])
  })

  it('shows what the others counted in its views', async () => {
    const { url } = await server()
    const worker = await gateway(url)
    await callSlow(worker, 1)
    // An instance also counts the list that the tool was looked up in.
    const elsewhere = [worker.gateway.counts(), inFlight(worker.gateway.counts())]
    const primary = await gateway(url, { elsewhere: () => elsewhere })
    await callSlow(primary, 1)
    const stats = primary.gateway.stats()
    expect(stats.gateway).toMatchObject({ requests_total: 3, in_flight: 1, errors_total: 0 })
    expect(stats.templates['t']).toMatchObject({ requests: 3, instances: { one: { requests: 6, in_flight: 1 } } })
    expect(stats.templates['t']?.latency_ms.p50).toBeGreaterThan(0)
    expect(stats.load_balancer).toMatchObject({
      requests_per_instance: { 't/one': 6 },
      active_connections: { 't/one': 1 },
    })
    expect(primary.gateway.inFlightOf('t', 'one')).toBe(1)
    expect(primary.gateway.registryView().templates['t']?.instances[0]?.in_flight).toBe(1)
    expect(primary.gateway.explain('t').instances[0]?.in_flight).toBe(1)
  })
})

describe('counts', () => {
  it('add up, and lose what was in flight when a process is gone', async () => {
    const { url } = await server()
    const harness = await gateway(url)
    await callSlow(harness, 1)
    const counts = inFlight(harness.gateway.counts())
    const sum = addCounts(settled(counts), counts)
    expect(sum.total).toMatchObject({ requests: 2, inFlight: 1 })
    expect(sum.templates['t']?.instances['one']).toMatchObject({ requests: 4, inFlight: 1 })
    expect(sum.total.latency.reduce((all, count) => all + count, 0)).toBe(2)
    expect(Object.keys(harness.gateway.counts(() => false).templates['t']?.instances ?? {})).toEqual([])
  })
})

/** The same with one call in flight. */
function inFlight(counts: GatewayCounts): GatewayCounts {
  const template = counts.templates['t']
  const one = template?.instances['one']
  if (!template || !one) throw new Error('nothing was counted')
  const instances = { one: { ...one, inFlight: 1 } }
  return { total: { ...counts.total, inFlight: 1 }, templates: { t: { ...template, instances } } }
}

async function initialize({ base }: Harness): Promise<string> {
  const transport = new StreamableHTTPClientTransport(new URL(`${base}/mcp/t`))
  const client = new Client({ name: 'test', version: '0' })
  // exactOptionalPropertyTypes and the SDK's own types disagree about sessionId.
  await client.connect(transport as Parameters<Client['connect']>[0])
  stops.push(() => client.close())
  return transport.sessionId ?? ''
}

async function deleteSession({ base }: Harness, session: string): Promise<number> {
  const response = await fetch(`${base}/mcp/t`, { method: 'DELETE', headers: { 'mcp-session-id': session } })
  await response.arrayBuffer()
  return response.status
}
