import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { everythingStdio, filesystemStdio, memoryStdio, startEverything } from '@mcp-platform/test-kit'
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { type Harness, startGateway } from './support/harness.js'

const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')
const stdio = (era: string) => ({ command: process.execPath, args: [reference, '--stdio', '--era', era] })

let harness: Harness
let folder: string
const servers: { close(): Promise<void> }[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpp-interop-'))
  await writeFile(join(folder, 'hello.txt'), 'hello from a file')
  const http = await startEverything({ transport: 'streamableHttp' })
  const sse = await startEverything({ transport: 'sse' })
  const modern = await serveHttp({ port: 0, era: 'modern' })
  const legacy = await serveHttp({ port: 0, era: 'legacy' })
  servers.push({ close: () => http.stop() }, { close: () => sse.stop() }, modern, legacy)
  harness = await startGateway({
    'everything-http': [{ id: 'one', endpoint: http.url }],
    'everything-sse': [{ id: 'one', endpoint: sse.url }],
    'everything-stdio': [{ id: 'one', ...everythingStdio() }],
    filesystem: [{ id: 'one', ...filesystemStdio(folder) }],
    memory: [{ id: 'one', ...memoryStdio(join(folder, 'memory.json')) }],
    'reference-http': [{ id: 'one', endpoint: modern.url }],
    'reference-legacy': [{ id: 'one', endpoint: legacy.url }],
    'reference-stdio': [{ id: 'one', ...stdio('modern') }],
    'reference-legacy-stdio': [{ id: 'one', ...stdio('legacy') }],
  })
}, 60_000)

afterAll(async () => {
  await harness.stop()
  for (const server of servers) await server.close()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

const info = { name: 'interop', version: '1' }
const capabilities = { elicitation: {}, sampling: {}, roots: {} }
const ELICITED = { action: 'accept' as const, content: { username: 'ada' } }
const SAMPLED = { model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'sampled by us' } }
const ROOTS = { roots: [{ uri: 'file:///ours', name: 'ours' }] }

// The two lines of the SDK have unrelated types, but the members that these tests use are called alike.
type AnyClient = Pick<
  LegacyClient,
  | 'callTool'
  | 'listTools'
  | 'listResources'
  | 'readResource'
  | 'listPrompts'
  | 'getPrompt'
  | 'complete'
  | 'close'
  | 'getServerVersion'
>

async function legacyClient(template: string): Promise<AnyClient> {
  const client = new LegacyClient(info, { capabilities })
  client.setRequestHandler(ElicitRequestSchema, async () => ELICITED)
  client.setRequestHandler(CreateMessageRequestSchema, async () => SAMPLED)
  client.setRequestHandler(ListRootsRequestSchema, async () => ROOTS)
  await client.connect(new LegacyTransport(new URL(`${harness.base}/mcp/${template}`)))
  return client
}

const v2 =
  (versionNegotiation?: { mode: 'auto' | { pin: string } }) =>
  async (template: string): Promise<AnyClient> => {
    const client = new ModernClient(info, { capabilities, ...(versionNegotiation ? { versionNegotiation } : {}) })
    client.setRequestHandler('elicitation/create', async () => ELICITED)
    client.setRequestHandler('sampling/createMessage', async () => SAMPLED)
    client.setRequestHandler('roots/list', async () => ROOTS)
    await client.connect(new ModernTransport(new URL(`${harness.base}/mcp/${template}`)))
    return client as unknown as AnyClient
  }

const CLIENTS = [
  ['SDK 1.x', legacyClient],
  ['SDK 2.x by default', v2()],
  ['SDK 2.x that negotiates', v2({ mode: 'auto' })],
  ['SDK 2.x pinned to 2026-07-28', v2({ mode: { pin: '2026-07-28' } })],
] as const

describe.each(CLIENTS)('%s', (_name, connect) => {
  it.each(['everything-http', 'everything-sse', 'everything-stdio'])(
    'uses %s',
    async (template) => {
      const client = await connect(template)
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
      expect(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({
        content: [{ text: 'Echo: hi' }],
      })
      const [resource] = (await client.listResources()).resources
      expect((await client.readResource({ uri: resource?.uri ?? '' })).contents).not.toHaveLength(0)
      const { prompts } = await client.listPrompts()
      expect(prompts.map(({ name }) => name)).toContain('simple-prompt')
      expect((await client.getPrompt({ name: 'simple-prompt' })).messages).not.toHaveLength(0)
      await client.close()
    },
    30_000,
  )

  it('reads a file through server-filesystem', async () => {
    const client = await connect('filesystem')
    const result = await client.callTool({ name: 'read_text_file', arguments: { path: join(folder, 'hello.txt') } })
    expect(JSON.stringify(result)).toContain('hello from a file')
    await client.close()
  }, 30_000)

  it('remembers something in server-memory', async () => {
    const client = await connect('memory')
    const entities = [{ name: `fact-${_name}`, entityType: 'fact', observations: ['kept'] }]
    await client.callTool({ name: 'create_entities', arguments: { entities } })
    const found = await client.callTool({ name: 'search_nodes', arguments: { query: `fact-${_name}` } })
    expect(JSON.stringify(found)).toContain('kept')
    await client.close()
  }, 30_000)

  it.each(['reference-http', 'reference-legacy', 'reference-stdio', 'reference-legacy-stdio'])(
    'is asked back by %s, completes, and hears of progress',
    async (template) => {
      const client = await connect(template)
      const elicited = await client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } })
      expect(JSON.stringify(elicited)).toContain('ada')
      const sampled = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'say' } })
      expect(JSON.stringify(sampled)).toContain('sampled by us')
      expect(JSON.stringify(await client.callTool({ name: 'test_list_roots', arguments: {} }))).toContain(
        'file:///ours',
      )
      const ref = { type: 'ref/prompt' as const, name: 'test_prompt_with_arguments' }
      const { completion } = await client.complete({ ref, argument: { name: 'arg1', value: 'p' } })
      expect(Array.isArray(completion.values)).toBe(true)
      const heard: number[] = []
      const options = { onprogress: ({ progress }: { progress: number }) => void heard.push(progress) }
      const slow = { name: 'test_tool_with_progress', arguments: {} }
      if (client instanceof LegacyClient) await client.callTool(slow, undefined, options)
      else await Reflect.apply(client.callTool, client, [slow, options])
      expect(heard).toEqual([0, 50, 100])
      await client.close()
    },
    30_000,
  )
})
