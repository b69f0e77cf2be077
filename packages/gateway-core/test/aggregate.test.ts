import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { type Harness, startGateway } from './support/harness.js'

const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')

let harness: Harness
const servers: { close(): Promise<void> }[] = []

beforeAll(async () => {
  const modern = await serveHttp({ port: 0, era: 'modern' })
  const legacy = await serveHttp({ port: 0, era: 'legacy' })
  servers.push(modern, legacy)
  harness = await startGateway({
    'a.legacy': [{ id: 'one', endpoint: legacy.url }],
    modern: [{ id: 'one', endpoint: modern.url }],
    stdio: [{ id: 'one', command: process.execPath, args: [reference, '--stdio', '--era', 'legacy'] }],
    gone: [{ id: 'one', endpoint: 'http://127.0.0.1:9/mcp' }],
  })
})

afterAll(async () => {
  await harness.stop()
  for (const server of servers) await server.close()
})

const PARTS = ['a-legacy', 'modern', 'stdio'] as const
const info = { name: 'test', version: '1' }
const url = () => new URL(`${harness.base}/mcp`)

async function modernClient(): Promise<ModernClient> {
  const client = new ModernClient(info, {
    versionNegotiation: { mode: { pin: '2026-07-28' } },
    capabilities: { elicitation: {} },
  })
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { username: 'ada' } }))
  await client.connect(new ModernTransport(url()))
  return client
}

async function legacyClient(): Promise<LegacyClient> {
  const client = new LegacyClient(info, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { username: 'ada' } }))
  await client.connect(new LegacyTransport(url()))
  return client
}

describe.each([
  ['2026', modernClient],
  ['2025', legacyClient],
] as const)('a %s client of /mcp', (_era, connect) => {
  it('sees the tools of every template that answers, in the order of their names', async () => {
    const client = await connect()
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expect([...new Set(names.map((name) => name.split('__')[0]))]).toEqual(PARTS)
    expect(names.filter((name) => name.endsWith('__test_simple_text'))).toHaveLength(3)
    expect(names.every((name) => /^[A-Za-z0-9_.-]{1,64}$/.test(name))).toBe(true)
    await client.close()
  })

  it.each(PARTS)('calls a tool of %s', async (part) => {
    const client = await connect()
    const result = await client.callTool({ name: `${part}__test_simple_text`, arguments: {} })
    expect(result).toMatchObject({ content: [{ type: 'text' }] })
    await client.close()
  })

  it.each(PARTS)('is asked back by a tool of %s', async (part) => {
    const client = await connect()
    const result = await client.callTool({ name: `${part}__test_elicitation`, arguments: { message: 'who?' } })
    expect(JSON.stringify(result)).toContain('ada')
    await client.close()
  })

  it('gets a prompt by its prefixed name', async () => {
    const client = await connect()
    const { prompts } = await client.listPrompts()
    expect(prompts.map(({ name }) => name)).toContain('stdio__test_simple_prompt')
    expect((await client.getPrompt({ name: 'stdio__test_simple_prompt' })).messages).not.toHaveLength(0)
    await client.close()
  })

  it('reads a resource by the URI that was listed', async () => {
    const client = await connect()
    const [first] = (await client.listResources()).resources
    const { contents } = await client.readResource({ uri: first?.uri ?? '' })
    expect(contents[0]).toMatchObject({ uri: first?.uri })
    await client.close()
  })

  it('is told that an unknown name is one', async () => {
    const client = await connect()
    await expect(client.callTool({ name: 'nobody__nothing', arguments: {} })).rejects.toMatchObject({ code: -32602 })
    await client.close()
  })
})

it('reports the template that was left out', async () => {
  const client = await modernClient()
  const { tools } = await client.listTools()
  await client.close()
  expect(tools.some(({ name }) => name.startsWith('gone__'))).toBe(false)
  expect(harness.events).toContainEqual(expect.objectContaining({ type: 'list-failed', template: 'gone' }))
})
