import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer } from '@mcp-platform/test-kit'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { ServerCapabilities } from '@modelcontextprotocol/sdk/types.js'
import { addCounts, type GatewayCounts, type GatewayEvent, type Hop, settled } from '../src/index.js'
import { openStream } from './support/event-reader.js'
import { serveForgetful } from './support/forgetful-server.js'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession } from './support/mcp.js'

const sealingKeys = [{ kid: 'k', key: randomBytes(32) }]
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function server(era?: 'legacy' | 'modern'): Promise<FaultServer> {
  const started = await startFaultServer(undefined, era === undefined ? {} : { era })
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

const isReinitialised = (event: GatewayEvent): boolean =>
  event.type === 'upstream' && event.event.type === 'session_reinitialised'

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

  it('goes on with a session whose home is gone: on a legacy server, and on a modern one', async () => {
    for (const era of ['legacy', 'modern'] as const) {
      const { url } = await server(era)
      const first = await gateway(url, { home: 'w1', sealingKeys })
      const second = await gateway(url, { home: 'w2', sealingKeys, hop: async () => false })
      const session = await initialize(first)
      expect(await Promise.all([1, 2, 3].map((id) => ping(second, session, id)))).toEqual([200, 200, 200])
      const call = { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' } } }
      expect((await post(second, session, call)).json.result.content[0].text).toContain('x')
    }
  })

  it('never gives a request an id that the process before it may have under way on the same server', async () => {
    const upstream = await server('legacy')
    const first = await gateway(upstream.url, { home: 'w1', sealingKeys })
    const session = await initialize(first)
    await ping(first, session, 1)
    const heirs = await Promise.all(
      ['w2', 'w3'].map((home) => gateway(upstream.url, { home, sealingKeys, hop: async () => false })),
    )
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }
    for (const one of [first, ...heirs]) expect((await post(one, session, call)).status).toBe(200)
    const ids = upstream.requestsFor('tools/call').map(({ rpcId }) => JSON.stringify(rpcId))
    expect(ids).toHaveLength(3)
    expect(ids.slice(1).every((id) => /^"[\w-]{12}-\d+"$/.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(3)
  })

  it('says that nothing can be resumed of a session it has taken over, and that an ended one is over', async () => {
    const { url } = await server('legacy')
    const first = await gateway(url, { home: 'w1', sealingKeys })
    const second = await gateway(url, { home: 'w2', sealingKeys, hop: async () => false })
    const session = await initialize(first)
    expect(await ping(second, session, 1)).toBe(200)
    for (const lastEventId of ['s.0', 'c1.0', 'c1.1']) {
      const headers = { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': lastEventId }
      const response = await fetch(`${second.base}/mcp/t`, { headers })
      expect(response.status).toBe(404)
      expect(await response.text()).toContain('no stream of this session has the event')
    }
    expect(await deleteSession(second, session)).toBe(200)
    expect(await ping(second, session, 2)).toBe(404)
  })

  describe('that has taken a session over', () => {
    const PLAIN: ServerCapabilities = { tools: { listChanged: true } }
    const RUN = (id: number) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'run', arguments: { id } },
    })

    async function takenOver(capabilities: ServerCapabilities, client: Record<string, unknown> = {}) {
      const upstream = await serveForgetful()
      stops.push(() => upstream.close())
      upstream.capabilities = capabilities
      const first = await gateway(upstream.url, { home: 'w1', sealingKeys })
      const heir = await gateway(upstream.url, { home: 'w2', sealingKeys, hop: async () => false })
      const { id } = await LegacySession.open(`${first.base}/mcp/t`, { capabilities: client })
      return { upstream, heir, id }
    }

    it('opens it again as its client had done it when the server loses it too, and the refused message runs once', async () => {
      const { upstream, heir, id } = await takenOver(PLAIN, { roots: { listChanged: true } })
      expect((await post(heir, id, RUN(1))).status).toBe(200)
      await upstream.forget()
      expect((await post(heir, id, RUN(2))).status).toBe(200)
      expect(upstream.executed).toEqual([1, 2])
      const asked = upstream.sessions
        .map(({ client }) => client)
        .filter((said) => Object(said).clientInfo.name === 'raw')
      expect(asked).toHaveLength(2)
      expect(asked[1]).toEqual(asked[0])
      expect(heir.events.filter(isReinitialised)).toHaveLength(1)
    })

    it('lets who only listens there hear the session that was opened again', async () => {
      const { upstream, heir, id } = await takenOver(PLAIN)
      expect((await post(heir, id, RUN(1))).status).toBe(200)
      const gone = new AbortController()
      stops.push(async () => gone.abort())
      const stream = await openStream(`${heir.base}/mcp/t`, id, gone.signal)
      await upstream.restart()
      await stream.until('notifications/tools/list_changed')
      expect(heir.events.filter(isReinitialised)).toHaveLength(1)
    })

    it.each([
      ['the server may remember subscriptions', { ...PLAIN, resources: { subscribe: true } }, {}],
      ['the server may remember a log level', { ...PLAIN, logging: {} }, {}],
      ['the server may remember tasks', { ...PLAIN, tasks: {} }, {}],
      ['a question may be open', PLAIN, { elicitation: {} }],
    ])('answers 404 when the server loses it too and %s', async (_what, capabilities, client) => {
      const { upstream, heir, id } = await takenOver(capabilities, client)
      expect((await post(heir, id, RUN(1))).status).toBe(200)
      await upstream.forget()
      expect((await post(heir, id, RUN(2))).status).toBe(404)
      expect(upstream.executed).toEqual([1])
    })

    it('answers 404 when the server that lost it is not what the client was told', async () => {
      const { upstream, heir, id } = await takenOver(PLAIN)
      expect((await post(heir, id, RUN(1))).status).toBe(200)
      await upstream.forget()
      upstream.capabilities = { tools: {} }
      expect((await post(heir, id, RUN(2))).status).toBe(404)
    })

    it('answers 404 when the server did not know it any more by then', async () => {
      const { upstream, heir, id } = await takenOver(PLAIN)
      await upstream.forget()
      expect((await post(heir, id, RUN(1))).status).toBe(404)
    })
  })

  it('answers 404 where a session cannot go on: of all templates, of another template, forwarded while its home lives', async () => {
    const { url } = await server('legacy')
    const first = await gateway(url, { home: 'w1', sealingKeys })
    const second = await gateway(url, { home: 'w2', sealingKeys, hop: async () => false })
    const session = await initialize(first)
    expect(await ping(second, session, 1, '/mcp')).toBe(404)
    expect(await ping(second, await initialize(first, '/mcp'), 1, '/mcp')).toBe(404)
    const forwarding = createServer((request, response) => second.gateway.handleForwarded(request, response, 'r1'))
    await new Promise<void>((resolve) => forwarding.listen(0, '127.0.0.1', resolve))
    stops.push(async () => void forwarding.close())
    const address = forwarding.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect((await post({ base: `http://127.0.0.1:${port}` }, session, PING(1))).status).toBe(404)
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

async function initialize({ base }: Harness, path = '/mcp/t'): Promise<string> {
  const transport = new StreamableHTTPClientTransport(new URL(base + path))
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

const PING = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' })

async function ping(to: Pick<Harness, 'base'>, session: string, id: number, path?: string): Promise<number> {
  return (await post(to, session, PING(id), path)).status
}

async function post({ base }: Pick<Harness, 'base'>, session: string, message: object, path = '/mcp/t') {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { ...headers, 'mcp-session-id': session },
    body: JSON.stringify(message),
  })
  const text = await response.text()
  const json = JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? text)
  return { status: response.status, json }
}
