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
})

afterAll(async () => {
  await harness.stop()
  for (const server of servers) await server.close()
  await rm(folder, { recursive: true, force: true })
})

const info = { name: 'interop', version: '1' }
const capabilities = { elicitation: {}, sampling: {}, roots: {} }
const ELICITED = { action: 'accept' as const, content: { username: 'ada', name: 'ada' } }
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
  | 'subscribeResource'
  | 'unsubscribeResource'
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

type Content = Readonly<Record<string, unknown>>
interface Heard {
  readonly progress: number
  readonly message?: string | undefined
}
/** SDK 2.x says in the place of a server's progress that it answers a question (server-everything asks for roots). */
const OF_THE_SDK = 'Fulfilling input required'

interface CallOptions {
  readonly onprogress?: (progress: Heard) => void
  readonly signal?: AbortSignal
}

// The two lines of the SDK take options in different places.
function call(client: AnyClient, name: string, args: Content = {}, options: CallOptions = {}): Promise<unknown> {
  const params = { name, arguments: args }
  return client instanceof LegacyClient
    ? client.callTool(params, undefined, options)
    : Promise.resolve(Reflect.apply(client.callTool, client, [params, options]))
}

/** What a server is asked for in one cell; a text says why this server cannot do it by its nature. */
interface Peer {
  readonly templates: readonly string[]
  readonly list: string
  readonly call: { readonly name: string; readonly args: () => Content; readonly says: string }
  readonly read: 'first' | string
  readonly prompt: { readonly name: string } | string
  readonly complete: { readonly name: string; readonly argument: string } | string
  readonly subscribe: 'first' | string
  readonly progress: { readonly name: string; readonly args: Content; readonly hears: readonly number[] } | string
  readonly cancel: { readonly name: string; readonly args: Content } | string
  readonly elicit: { readonly name: string; readonly args: Content } | string
  readonly sample: { readonly name: string; readonly args: Content } | string
  readonly roots: { readonly name: string } | string
}

const TOOLS_ONLY = 'offers tools only'
const NEVER_ASKS = 'asks its client nothing in a call'

const PEERS: readonly Peer[] = [
  {
    templates: ['everything-http', 'everything-sse', 'everything-stdio'],
    list: 'echo',
    call: { name: 'echo', args: () => ({ message: 'hi' }), says: 'Echo: hi' },
    read: 'first',
    prompt: { name: 'simple-prompt' },
    complete: { name: 'completable-prompt', argument: 'department' },
    subscribe: 'first',
    progress: { name: 'trigger-long-running-operation', args: { duration: 0.3, steps: 3 }, hears: [1, 2, 3] },
    cancel: { name: 'trigger-long-running-operation', args: { duration: 60, steps: 600 } },
    elicit: { name: 'trigger-elicitation-request', args: {} },
    sample: { name: 'trigger-sampling-request', args: { prompt: 'say', maxTokens: 10 } },
    roots: 'asks for roots when a session opens, outside of any call, where a 2026 client cannot be asked',
  },
  {
    // Over stdio alone: neither speaks HTTP.
    templates: ['filesystem'],
    list: 'read_text_file',
    call: { name: 'read_text_file', args: () => ({ path: join(folder, 'hello.txt') }), says: 'hello from a file' },
    read: TOOLS_ONLY,
    prompt: TOOLS_ONLY,
    complete: TOOLS_ONLY,
    subscribe: TOOLS_ONLY,
    progress: 'reports no progress',
    cancel: 'no tool lasts long enough',
    elicit: NEVER_ASKS,
    sample: NEVER_ASKS,
    roots: NEVER_ASKS,
  },
  {
    templates: ['memory'],
    list: 'create_entities',
    call: {
      name: 'create_entities',
      args: () => ({ entities: [{ name: `fact-${facts++}`, entityType: 'fact', observations: ['kept'] }] }),
      says: 'kept',
    },
    read: TOOLS_ONLY,
    prompt: TOOLS_ONLY,
    complete: TOOLS_ONLY,
    subscribe: TOOLS_ONLY,
    progress: 'reports no progress',
    cancel: 'no tool lasts long enough',
    elicit: NEVER_ASKS,
    sample: NEVER_ASKS,
    roots: NEVER_ASKS,
  },
  {
    // The deprecated HTTP+SSE transport is older than this server: it does not speak it.
    templates: ['reference-http', 'reference-legacy', 'reference-stdio', 'reference-legacy-stdio'],
    list: 'test_simple_text',
    call: { name: 'test_simple_text', args: () => ({}), says: 'simple text' },
    read: 'first',
    prompt: { name: 'test_simple_prompt' },
    complete: { name: 'test_prompt_with_arguments', argument: 'arg1' },
    subscribe: 'first',
    progress: { name: 'test_tool_with_progress', args: {}, hears: [0, 50, 100] },
    cancel: { name: 'test_tool_with_progress', args: {} },
    elicit: { name: 'test_elicitation', args: { message: 'who?' } },
    sample: { name: 'test_sampling', args: { prompt: 'say' } },
    roots: { name: 'test_list_roots' },
  },
]

let facts = 0

type Cell = (client: AnyClient, peer: Peer) => Promise<void>

/** One entry per column of the matrix; each is only run where the table gives it something to do. */
const OPERATIONS: Readonly<Record<Exclude<keyof Peer, 'templates'>, Cell>> = {
  async list(client, peer) {
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain(peer.list)
  },
  async call(client, peer) {
    const { name, args, says } = peer.call
    expect(JSON.stringify(await call(client, name, args()))).toContain(says)
  },
  async read(client) {
    const uri = await firstResource(client)
    expect((await client.readResource({ uri })).contents[0]).toMatchObject({ uri })
  },
  async prompt(client, { prompt }) {
    const { name } = asObject(prompt)
    expect((await client.listPrompts()).prompts.map((one) => one.name)).toContain(name)
    expect((await client.getPrompt({ name: String(name) })).messages).not.toHaveLength(0)
  },
  async complete(client, { complete }) {
    const { name, argument } = asObject(complete)
    const ref = { type: 'ref/prompt' as const, name: String(name) }
    const { completion } = await client.complete({ ref, argument: { name: String(argument), value: '' } })
    expect(completion.values).not.toHaveLength(0)
  },
  async subscribe(client) {
    const uri = await firstResource(client)
    if (client instanceof ModernClient && client.getProtocolEra() === 'modern') {
      const subscription = await client.listen({ resourceSubscriptions: [uri] })
      expect(subscription.honoredFilter.resourceSubscriptions).toEqual([uri])
      await subscription.close()
      return
    }
    expect(await client.subscribeResource({ uri })).toEqual({})
    expect(await client.unsubscribeResource({ uri })).toEqual({})
  },
  async progress(client, { progress }) {
    const { name, args, hears } = asObject(progress)
    const heard: number[] = []
    const onprogress = ({ progress: at, message }: Heard) => {
      if (!message?.startsWith(OF_THE_SDK)) heard.push(at)
    }
    await call(client, String(name), asObject(args), { onprogress })
    // The SDK's client drops progress that it reads together with the result; raw clients (shared-child) are held to all of it.
    expect(heard).toEqual((hears as number[]).slice(0, heard.length))
  },
  async cancel(client, peer) {
    const { name, args } = asObject(peer.cancel)
    const stop = new AbortController()
    const options = { signal: stop.signal, onprogress: () => stop.abort(new Error('enough')) }
    await expect(call(client, String(name), asObject(args), options)).rejects.toThrow('enough')
    await OPERATIONS.call(client, peer)
  },
  async elicit(client, { elicit }) {
    const { name, args } = asObject(elicit)
    expect(JSON.stringify(await call(client, String(name), asObject(args)))).toContain('ada')
  },
  async sample(client, { sample }) {
    const { name, args } = asObject(sample)
    expect(JSON.stringify(await call(client, String(name), asObject(args)))).toContain('sampled by us')
  },
  async roots(client, { roots }) {
    expect(JSON.stringify(await call(client, String(asObject(roots)['name'])))).toContain('file:///ours')
  },
}

function asObject(value: unknown): Content {
  return Object(value)
}

async function firstResource(client: AnyClient): Promise<string> {
  const [first] = (await client.listResources()).resources
  return first?.uri ?? ''
}

/** True where the table names something to do: a longer text is a reason why not. */
function isPossible(wanted: unknown): boolean {
  return typeof wanted !== 'string' || wanted === 'first' || !wanted.includes(' ')
}

const ROWS = PEERS.flatMap((peer) => peer.templates.map((template) => [template, peer] as const))

describe.each(CLIENTS)('%s', (_name, connect) => {
  describe.each(ROWS)('on %s', (template, peer) => {
    let client: AnyClient

    beforeAll(async () => {
      client = await connect(template)
    })

    afterAll(() => client.close())

    const cells = Object.entries(OPERATIONS).filter(([operation]) => isPossible(Reflect.get(peer, operation)))
    it.each(cells)('can %s', async (_operation, run) => {
      await run(client, peer)
    })
  })
})
