import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { startEverything } from '@mcp-platform/test-kit'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { type Harness, startGateway } from './support/harness.js'

const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')

let harness: Harness
const servers: { close(): Promise<void> }[] = []

beforeAll(async () => {
  const everything = await startEverything({ transport: 'sse' })
  const modern = await serveHttp({ port: 0, era: 'modern' })
  const legacy = await serveHttp({ port: 0, era: 'legacy' })
  servers.push({ close: () => everything.stop() }, modern, legacy)
  harness = await startGateway({
    'old-sse': [{ id: 'one', endpoint: everything.url }],
    'modern-http': [{ id: 'one', endpoint: modern.url }],
    'legacy-http': [{ id: 'one', endpoint: legacy.url }],
    'legacy-stdio': [{ id: 'one', command: process.execPath, args: [reference, '--stdio', '--era', 'legacy'] }],
  })
})

afterAll(async () => {
  await harness.stop()
  for (const server of servers) await server.close()
})

async function connect(template: string): Promise<Client> {
  const client = new Client({ name: 'old', version: '1' }, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { username: 'ada' } }))
  await client.connect(new SSEClientTransport(new URL(`${harness.base}/mcp/${template}/sse`)))
  return client
}

describe.each(['modern-http', 'legacy-http', 'legacy-stdio'])('a client of the old transport behind %s', (template) => {
  it('lists, calls and is asked back on its one stream', async () => {
    const client = await connect(template)
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('test_simple_text')
    const plain = await client.callTool({ name: 'test_simple_text', arguments: {} })
    expect(plain).toMatchObject({ content: [{ type: 'text' }] })
    const asked = await client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } })
    expect(JSON.stringify(asked)).toContain('ada')
    await client.close()
  })
})

it('the old transport on both sides carries a call', async () => {
  const client = await connect('old-sse')
  const result = await client.callTool({ name: 'echo', arguments: { message: 'hi' } })
  expect(result).toMatchObject({ content: [{ type: 'text', text: 'Echo: hi' }] })
  await client.close()
})

it('the views name the transport that answered, not the one that was asked for', async () => {
  const { templates, stats } = harness.gateway.registryView()
  const transports = Object.entries(templates).map(([name, { instances }]) => [name, instances[0]?.transport])
  expect(Object.fromEntries(transports)).toEqual({
    'old-sse': 'sse',
    'modern-http': 'http',
    'legacy-http': 'http',
    'legacy-stdio': 'stdio',
  })
  expect(stats.instances_by_transport).toEqual({ http: 2, sse: 1, stdio: 1 })
  expect(harness.gateway.stats().registry.instances_by_transport).toEqual(stats.instances_by_transport)
})

describe('the message endpoint of the old transport', () => {
  async function endpointOf(principal?: string): Promise<{ url: string; close: () => void }> {
    const abort = new AbortController()
    const headers = principal === undefined ? {} : { 'x-test-principal': principal }
    const response = await fetch(`${harness.base}/mcp/modern-http/sse`, { signal: abort.signal, headers })
    const first = await response.body?.getReader().read()
    const path = /data: (\S+)/.exec(Buffer.from(first?.value ?? []).toString())?.[1] ?? ''
    return { url: harness.base + path, close: () => abort.abort() }
  }

  const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const post = async (url: string, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: ping,
    })
    await response.text()
    return response.status
  }

  it('takes messages of the principal that opened the stream, and of nobody else', async () => {
    const { url, close } = await endpointOf()
    expect(await post(url)).toBe(202)
    expect(await post(url, { 'x-test-principal': 'other' })).toBe(404)
    close()
  })

  it('knows no session that was forged, cut, or left out', async () => {
    const { url, close } = await endpointOf()
    expect(await post(url.slice(0, -3))).toBe(404)
    expect(await post(url.replace(/sessionId=.*/, 'sessionId=v1.r.AAAA'))).toBe(404)
    expect(await post(url.replace(/\?.*/, ''))).toBe(400)
    close()
  })
})
