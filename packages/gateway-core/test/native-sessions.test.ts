import { createRequire } from 'node:module'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { everythingStdio, startEverything, waitFor } from '@mcp-platform/test-kit'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, modern } from './support/mcp.js'
import { serveMirror } from './support/mirror.js'

const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')

let harness: Harness
let mirror: Awaited<ReturnType<typeof serveMirror>>
let legacy: Awaited<ReturnType<typeof serveHttp>>

beforeAll(async () => {
  mirror = await serveMirror('legacy')
  legacy = await serveHttp({ port: 0, era: 'legacy' })
  const everything = everythingStdio()
  harness = await startGateway({
    mirror: [{ id: 'one', endpoint: mirror.url }],
    legacy: [{ id: 'one', endpoint: legacy.url }],
    stdio: [{ id: 'one', command: process.execPath, args: [reference, '--stdio', '--era', 'legacy'] }],
    everything: [{ id: 'one', command: everything.command, args: everything.args }],
    'modern-stdio': [{ id: 'one', command: process.execPath, args: [reference, '--stdio', '--era', 'modern'] }],
  })
})

afterAll(async () => {
  await harness.stop()
  await mirror.close()
  await legacy.close()
})

const other = { 'x-test-principal': 'other' }
const params = { name: 'mirror', arguments: { reply: { result: { content: [] } } } }
const calls = (): number => mirror.seen.filter(({ message }) => message['method'] === 'tools/call').length

describe('a session id', () => {
  const url = () => `${harness.base}/mcp/mirror`
  const tryWith = async (id: string, headers: Record<string, string> = {}): Promise<number> => {
    const before = calls()
    const session = new LegacySession(url(), id, headers)
    const { status } = await session.call('tools/call', params)
    expect(calls()).toBe(before)
    return status
  }

  it('of another principal is unknown, and nothing runs', async () => {
    const session = await LegacySession.open(url())
    expect(await tryWith(session.id, other)).toBe(404)
    expect((await session.call('tools/call', params)).status).toBe(200)
  })

  it('that was forged or cut is unknown, and nothing runs', async () => {
    const { id } = await LegacySession.open(url())
    const flipped = id.slice(0, -4) + (id.at(-4) === 'A' ? 'B' : 'A') + id.slice(-3)
    for (const forged of [id.slice(0, -1), flipped, 'v1.r.AAAA', 'x', `${id}.x`])
      expect(await tryWith(forged)).toBe(404)
  })

  it('of another template is unknown, and nothing runs', async () => {
    const { id } = await LegacySession.open(`${harness.base}/mcp/legacy`)
    expect(await tryWith(id)).toBe(404)
  })

  it('that is missing is asked for', async () => {
    const session = new LegacySession(url(), '', {})
    const { status } = await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, { 'mcp-session-id': '' })
    expect([400, 404]).toContain(status)
  })

  it('is dead after DELETE', async () => {
    const session = await LegacySession.open(url())
    expect(await session.end()).toBe(200)
    expect((await session.call('tools/list')).status).toBe(404)
  })
})

describe.each(['legacy', 'stdio'])('a request state of a call parked on %s', (template) => {
  const url = () => `${harness.base}/mcp/${template}`
  const asking = { name: 'test_elicitation', arguments: { message: 'who?' } }
  const capabilities = { elicitation: {} }
  const answers = { q1: { action: 'accept', content: { username: 'ada' } } }

  async function park(): Promise<string> {
    const { response } = await modern(url(), 'tools/call', asking, { capabilities })
    const result = Object(response?.['result'])
    expect(result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { q1: { method: 'elicitation/create' } },
    })
    return result.requestState
  }

  const retry = (requestState: string, headers: Record<string, string> = {}, changed: object = {}) =>
    modern(
      url(),
      'tools/call',
      { ...asking, ...changed, inputResponses: answers, requestState },
      { capabilities, headers },
    )

  it('continues the call, once', async () => {
    const state = await park()
    const first = await retry(state)
    expect(JSON.stringify(first.response?.['result'])).toContain('ada')
    expect((await retry(state)).status).toBe(404)
  })

  it('of another principal, another request, forged or cut continues nothing', async () => {
    const state = await park()
    expect((await retry(state, other)).status).toBe(404)
    expect((await retry(state, {}, { arguments: { message: 'else' } })).status).toBe(404)
    expect((await retry(state.slice(0, -2))).status).toBe(404)
    expect((await retry('v1.r.AAAA')).status).toBe(404)
    expect(JSON.stringify((await retry(state)).response?.['result'])).toContain('ada')
  })
})

it('calls that nobody answers make room for new ones of the same principal', async () => {
  const url = `${harness.base}/mcp/stdio`
  const asking = { name: 'test_elicitation', arguments: { message: 'who?' } }
  for (let call = 0; call < 8; call++) {
    const { response } = await modern(url, 'tools/call', asking, { capabilities: { elicitation: {} } })
    expect(Object(response?.['result']).resultType).toBe('input_required')
  }
})

describe('two clients of one principal on one shared child', () => {
  it('never hear each other, with the same ids and progress tokens, 1,000 calls at once', async () => {
    const url = `${harness.base}/mcp/everything`
    const sessions = [await LegacySession.open(url), await LegacySession.open(url)]
    const call = async (session: LegacySession, client: number, id: number): Promise<void> => {
      const canary = `client ${client} call ${id}`
      const params = { name: 'echo', arguments: { message: canary }, _meta: { progressToken: id } }
      const answer = await session.call('tools/call', params, id)
      expect(answer.response).toMatchObject({ id, result: { content: [{ text: `Echo: ${canary}` }] } })
    }
    const all = Array.from({ length: 500 }, (_, id) => sessions.map((session, client) => call(session, client, id)))
    await Promise.all(all.flat())
    await Promise.all(sessions.map((session) => session.end()))
  })
})

describe.each(['stdio', 'modern-stdio'])('log lines on a pipe (%s)', (template) => {
  it('reach the call that asked for them, and no other at the same time', async () => {
    const url = `${harness.base}/mcp/${template}`
    const call = async (level?: string): Promise<number> => {
      const meta = level === undefined ? {} : { 'io.modelcontextprotocol/logLevel': level }
      const { messages } = await modern(url, 'tools/call', { name: 'test_tool_with_logging', arguments: {} }, { meta })
      return messages.filter(({ method }) => method === 'notifications/message').length
    }
    expect(await Promise.all([call('info'), call(), call('debug'), call('error'), call()])).toEqual([3, 0, 3, 0, 0])
  })
})

describe('a legacy session whose instance is killed', () => {
  const started: { stop(): Promise<void> }[] = []
  let own: Harness | undefined
  afterEach(async () => {
    await own?.stop()
    for (const server of started.splice(0)) await server.stop()
  })

  it('is answered 404, and a client that initializes again is served by another instance', async () => {
    const servers = [
      await startEverything({ transport: 'streamableHttp' }),
      await startEverything({ transport: 'streamableHttp' }),
    ]
    started.push(...servers)
    own = await startGateway({ twin: servers.map(({ url }, at) => ({ id: `i${at}`, endpoint: url })) })
    const url = `${own.base}/mcp/twin`
    const session = await LegacySession.open(url)
    const { headers } = await session.call('tools/call', { name: 'echo', arguments: { message: 'x' } })
    const at = Number(headers.get('x-gateway-instance')?.slice(1))
    await servers[at]?.kill9()
    const lost = await session.call('tools/call', { name: 'echo', arguments: { message: 'x' } })
    expect(lost.status).toBe(404)
    await waitFor(
      async () => {
        const client = new Client({ name: 'again', version: '1' })
        await client.connect(new StreamableHTTPClientTransport(new URL(url)))
        const result = await client.callTool({ name: 'echo', arguments: { message: 'back' } })
        await client.close()
        return JSON.stringify(result).includes('Echo: back')
      },
      { pollMs: 200, what: 'the second instance did not serve' },
    )
  })
})
