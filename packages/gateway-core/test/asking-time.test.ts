import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { waitFor } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, modern } from './support/mcp.js'
import { type NaiveServer, serveNaive } from './support/naive-server.js'

const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')

const QUESTIONS = [
  ['elicitation', 'test_elicitation', { message: 'who?' }, 'elicitation/create'],
  ['sampling', 'test_sampling', { prompt: 'x' }, 'sampling/createMessage'],
  ['roots', 'test_list_roots', {}, 'roots/list'],
] as const

/** Longer than any of these tests: only what ends a question by itself can end it. */
const UNTIL_ANSWERED = 600_000

describe('a question that a client does not answer', () => {
  let harness: Harness
  const servers: { close(): Promise<void> }[] = []

  beforeAll(async () => {
    const old = await serveHttp({ port: 0, era: 'legacy' })
    const recent = await serveHttp({ port: 0, era: 'modern' })
    servers.push(old, recent)
    const templates = {
      legacy: [{ id: 'one', endpoint: old.url }],
      modern: [{ id: 'one', endpoint: recent.url }],
      stdio: [{ id: 'one', command: process.execPath, args: [reference, '--stdio', '--era', 'legacy'] }],
    }
    harness = await startGateway(templates, { maxAskMs: 300 })
  })

  afterAll(async () => {
    await harness.stop()
    for (const server of servers) await server.close()
  })

  const idle = () => waitFor(() => harness.gateway.inFlight === 0, { what: 'the call did not end' })

  describe.each(QUESTIONS)('(%s)', (capability, name, args, method) => {
    const call = { name, arguments: args }
    const capabilities = { [capability]: {} }

    it.each(['legacy', 'modern', 'stdio'])('ends the call of a silent 2025 client on %s', async (template) => {
      const session = await LegacySession.open(`${harness.base}/mcp/${template}`, { capabilities })
      const { messages, response } = await session.call('tools/call', call)
      expect(messages[0]).toMatchObject({ method })
      expect(response).toMatchObject({ id: 1, error: { code: expect.any(Number) } })
      await idle()
      await session.end()
    })

    it.each(['legacy', 'modern', 'stdio'])('ends the call of a 2025 client that hung up on %s', async (template) => {
      const url = `${harness.base}/mcp/${template}`
      const session = await LegacySession.open(url, { capabilities })
      const abort = new AbortController()
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...HEADERS, 'mcp-session-id': session.id },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }),
        signal: abort.signal,
      })
      expect(response.headers.get('content-type')).toBe('text/event-stream')
      abort.abort()
      await idle()
      expect((await session.call('ping')).status).toBe(200)
      await session.end()
    })

    it.each(['legacy', 'modern', 'stdio'])('is not put to a 2025 client that cannot answer on %s', async (template) => {
      const session = await LegacySession.open(`${harness.base}/mcp/${template}`)
      const { messages, response } = await session.call('tools/call', call)
      expect(messages.filter((message) => message['method'] === method)).toEqual([])
      expect(Object(response?.['result']).isError === true || response?.['error'] !== undefined).toBe(true)
      await session.end()
    })

    it.each(['legacy', 'stdio'])('gives up the parked call of a silent 2026 client on %s', async (template) => {
      const url = `${harness.base}/mcp/${template}`
      const { response } = await modern(url, 'tools/call', call, { capabilities })
      const { resultType, requestState } = Object(response?.['result'])
      expect(resultType).toBe('input_required')
      await delay(500)
      const late = { ...call, requestState, inputResponses: { q1: {} } }
      expect((await modern(url, 'tools/call', late, { capabilities })).status).toBe(404)
    })

    it.each(['legacy', 'modern', 'stdio'])('is not put to a 2026 client that cannot answer on %s', async (template) => {
      const { response } = await modern(`${harness.base}/mcp/${template}`, 'tools/call', call)
      const refused = Object(response?.['result']).isError === true || response?.['error'] !== undefined
      expect([Object(response?.['result']).resultType === 'input_required', refused]).toEqual([false, true])
    })
  })
})

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

describe('the time of a call', () => {
  const TOTAL_MS = 300_000
  const QUESTION = 'sampling/createMessage'
  const ask = { name: 'ask', arguments: {} }
  let clock = 0
  let naive: NaiveServer
  let harness: Harness
  let session: LegacySession

  beforeEach(async () => {
    clock = 0
    naive = await serveNaive()
    const now = () => clock + performance.now()
    harness = await startGateway({ naive: [{ id: 'one', endpoint: naive.url }] }, { now, maxAskMs: UNTIL_ANSWERED })
    session = await LegacySession.open(`${harness.base}/mcp/naive`, { capabilities: { sampling: {} } })
  })

  afterEach(async () => {
    await harness.stop()
    await naive.close()
  })

  const reached = () => waitFor(() => naive.calls.length > 0, { what: 'the call did not come' })
  /** Longer than the timers of the gateway need to see what time it is. */
  const someTicks = () => delay(250)

  it('stands still while the client thinks, and goes on with what was left when it has answered', async () => {
    const call = await session.open('tools/call', ask)
    await call.until(QUESTION)
    clock += TOTAL_MS + 1_000
    await someTicks()
    await session.post({ jsonrpc: '2.0', id: 'ask', result: { model: 'm' } })
    await call.ended
    expect(call.messages.at(-1)).toMatchObject({ result: { content: [{ text: 'went on' }] } })
  })

  it('has a bound of its own for the answer, at which the server is told that nobody waits any more', async () => {
    const call = await session.open('tools/call', ask)
    await call.until(QUESTION)
    clock += UNTIL_ANSWERED + 1_000
    await call.ended
    expect(call.messages.at(-1)).toMatchObject({ error: { code: -31_001 } })
    await waitFor(() => naive.cancelled.length > 0, { what: 'not cancelled' })
  })

  it('lets a server that has asked be silent for longer than one that works may be', async () => {
    const settings = { timeouts: { idle: 1 } }
    const own = await startGateway({ naive: [{ id: 'one', endpoint: naive.url }] }, { settings })
    const strict = await LegacySession.open(`${own.base}/mcp/naive`, { capabilities: { sampling: {} } })
    const hanging = await strict.call('tools/call', { name: 'hang', arguments: {} })
    expect(hanging.response).toMatchObject({ error: { code: -31_001 } })
    const pending = strict.call('tools/call', ask)
    await waitFor(() => naive.calls.length === 2, { what: 'the call did not come' })
    await delay(2_000)
    await strict.post({ jsonrpc: '2.0', id: 'ask', result: { model: 'm' } })
    expect((await pending).response).toMatchObject({ result: { content: [{ text: 'went on' }] } })
    await own.stop()
  })

  it('runs on for a call that asks nothing', async () => {
    const pending = session.call('tools/call', { name: 'hang', arguments: {} })
    await reached()
    clock += TOTAL_MS + 1_000
    expect((await pending).response).toMatchObject({ error: { code: -31_001 } })
  })

  it('is not spent on a question that the client never offered to answer', async () => {
    const other = await LegacySession.open(`${harness.base}/mcp/naive`)
    const { messages } = await other.call('tools/call', ask)
    expect(messages.map(({ method }) => method)).toEqual(['notifications/message', undefined])
    expect(naive.answers).toMatchObject([{ id: 'ask', error: { code: -32_601 } }])
  })
})
