import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { everythingStdio, startEverything } from '@mcp-platform/test-kit'
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type Harness, startGateway } from './support/harness.js'

const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')
const stdio = (era: string) => ({ command: process.execPath, args: [reference, '--stdio', '--era', era] })

let harness: Harness
const servers: { close(): Promise<void> }[] = []

beforeAll(async () => {
  const everything = await startEverything({ transport: 'streamableHttp' })
  const modern = await serveHttp({ port: 0, era: 'modern' })
  const legacy = await serveHttp({ port: 0, era: 'legacy' })
  servers.push({ close: () => everything.stop() }, modern, legacy)
  const own = everythingStdio()
  harness = await startGateway({
    'everything-http': [{ id: 'one', endpoint: everything.url }],
    'everything-stdio': [{ id: 'one', command: own.command, args: own.args }],
    'modern-http': [{ id: 'one', endpoint: modern.url }],
    'legacy-http': [{ id: 'one', endpoint: legacy.url }],
    'modern-stdio': [{ id: 'one', ...stdio('modern') }],
    'legacy-stdio': [{ id: 'one', ...stdio('legacy') }],
  })
})

afterAll(async () => {
  await harness.stop()
  for (const server of servers) await server.close()
})

const TEMPLATES = ['modern-http', 'legacy-http', 'modern-stdio', 'legacy-stdio'] as const
const info = { name: 'test', version: '1' }

describe.each(TEMPLATES)('behind /mcp/%s', (template) => {
  const url = () => new URL(`${harness.base}/mcp/${template}`)

  it('a 2025 client lists and calls', async () => {
    const client = new LegacyClient(info)
    await client.connect(new LegacyTransport(url()))
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('test_simple_text')
    expect(await client.callTool({ name: 'test_simple_text', arguments: {} })).toMatchObject({
      content: [{ type: 'text' }],
    })
    await client.close()
  })

  it('a 2026 client lists and calls', async () => {
    const client = new ModernClient(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    await client.connect(new ModernTransport(url()))
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('test_simple_text')
    expect(await client.callTool({ name: 'test_simple_text', arguments: {} })).toMatchObject({
      content: [{ type: 'text' }],
    })
    await client.close()
  })
})

describe.each(['everything-http', 'everything-stdio'])('behind /mcp/%s', (template) => {
  it('a client of each kind echoes', async () => {
    for (const client of [
      new LegacyClient(info),
      new ModernClient(info),
      new ModernClient(info, { versionNegotiation: { mode: 'auto' } }),
    ]) {
      const transport = client instanceof LegacyClient ? LegacyTransport : ModernTransport
      // biome-ignore lint/suspicious/noExplicitAny: two majors of one SDK have unrelated transport types
      await client.connect(new transport(new URL(`${harness.base}/mcp/${template}`)) as any)
      expect(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({
        content: [{ type: 'text', text: 'Echo: hi' }],
      })
      await client.close()
    }
  })
})
