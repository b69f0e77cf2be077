import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { waitFor } from '@mcp-platform/test-kit'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, modern } from './support/mcp.js'
import { type NaiveServer, serveNaive } from './support/naive-server.js'
import { rest } from './support/rest.js'

let harness: Harness
let naive: NaiveServer
const url = () => `${harness.base}/mcp/naive`
const ask = { name: 'ask', arguments: {} }
const reached = () =>
  waitFor(() => Promise.resolve(naive.calls.length > 0), {
    pollMs: 10,
    what: 'the call did not come',
  })

beforeEach(async () => {
  naive = await serveNaive()
  harness = await startGateway({ naive: [{ id: 'one', endpoint: naive.url }] })
})

afterEach(async () => {
  await harness.stop()
  await naive.close()
})

describe('a legacy server that asks whoever calls', () => {
  it('is refused when a 2026 client declared no such capability, and the client is told which it needs', async () => {
    for (const capabilities of [{}, { elicitation: {} }]) {
      const answer = await modern(url(), 'tools/call', ask, { capabilities })
      expect([answer.status, answer.response?.['error']]).toMatchObject([
        400,
        { code: -32021, data: { requiredCapabilities: { sampling: {} } } },
      ])
    }
    expect(naive.answers).toMatchObject([
      { id: 'ask', error: { code: -32601 } },
      { id: 'ask', error: { code: -32601 } },
    ])
  })

  it('is refused for a REST caller, who is told where to call it', async () => {
    const answer = await rest(harness.base, '/mcp/naive/tools/call', ask)
    expect(answer.json['code']).toBe('CLIENT_CAPABILITY_REQUIRED')
  })

  it('gets its answer from a 2026 client that declared the capability', async () => {
    const capabilities = { sampling: {} }
    const { response } = await modern(url(), 'tools/call', ask, { capabilities })
    const { inputRequests, requestState } = Object(response?.['result'])
    expect(inputRequests).toMatchObject({ q1: { method: 'sampling/createMessage', params: { maxTokens: 1 } } })
    const inputResponses = { q1: { role: 'assistant', content: { type: 'text', text: 'x' }, model: 'm' } }
    const retry = await modern(url(), 'tools/call', { ...ask, inputResponses, requestState }, { capabilities })
    expect(retry.response?.['result']).toMatchObject({ content: [{ text: 'went on' }] })
    expect(naive.answers).toMatchObject([{ id: 'ask', result: inputResponses.q1 }])
  })

  it('reaches a 2025 client on the stream of its call, under the server’s own id', async () => {
    const session = await LegacySession.open(url(), { capabilities: { sampling: {} } })
    const pending = session.call('tools/call', ask)
    await reached()
    await session.post({ jsonrpc: '2.0', id: 'ask', result: { model: 'm' } })
    const { messages } = await pending
    expect(messages.map(({ method }) => method)).toEqual(['notifications/message', 'sampling/createMessage', undefined])
  })
})

describe('log lines of a legacy server', () => {
  const capabilities = { sampling: {} }
  const logs = (messages: readonly Record<string, unknown>[]) =>
    messages.filter(({ method }) => method === 'notifications/message')

  it.each([
    [undefined, 0],
    ['error', 0],
    ['info', 1],
    ['debug', 1],
  ])('reach a 2026 client that asked for level %s: %i', async (level, count) => {
    const meta = level === undefined ? {} : { 'io.modelcontextprotocol/logLevel': level }
    const { messages } = await modern(url(), 'tools/call', ask, { capabilities, meta })
    expect(logs(messages)).toHaveLength(count)
  })
})

describe('cancelling', () => {
  const hang = { name: 'hang', arguments: {} }
  const cancelledUpstream = () =>
    waitFor(() => Promise.resolve(naive.cancelled.length > 0), { pollMs: 10, what: 'not cancelled' })

  it('a 2026 client cancels by closing its response', async () => {
    const abort = new AbortController()
    const call = modern(url(), 'tools/call', hang, { signal: abort.signal })
    await reached()
    abort.abort()
    await expect(call).rejects.toThrow()
    await cancelledUpstream()
  })

  it('a 2025 client cancels by saying so, after its answer has begun too', async () => {
    const session = await LegacySession.open(url())
    const call = session.call('tools/call', hang, 7)
    await reached()
    await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } })
    await call
    await cancelledUpstream()
  })
})

describe.each(['modern', 'legacy'] as const)('a subscription of a 2025 client on a %s server', (era) => {
  it('hears of the resource that changed', async () => {
    const server = await serveHttp({ port: 0, era })
    const own = await startGateway({ watched: [{ id: 'one', endpoint: server.url }] })
    const client = new Client({ name: 'watch', version: '1' })
    const heard = Promise.withResolvers<string>()
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => heard.resolve(params.uri))
    await client.connect(new StreamableHTTPClientTransport(new URL(`${own.base}/mcp/watched`)))
    await client.subscribeResource({ uri: 'test://watched-resource' })
    await client.callTool({ name: 'test_trigger_resource_update', arguments: {} })
    expect(await heard.promise).toBe('test://watched-resource')
    await client.close()
    await own.stop()
    await server.close()
  })
})
