import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { waitFor } from '@mcp-platform/test-kit'
import { type ForgetfulServer, serveForgetful } from './support/forgetful-server.js'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession } from './support/mcp.js'
import { type NaiveServer, serveNaive } from './support/naive-server.js'

const HEARTBEAT_MS = 50
const EVENTS = 'text/event-stream'
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

let clock = 0
let harness: Harness
let modern: Awaited<ReturnType<typeof serveHttp>>
let legacy: Awaited<ReturnType<typeof serveHttp>>
let naive: NaiveServer
let forgetful: ForgetfulServer

beforeEach(async () => {
  clock = 0
  modern = await serveHttp({ port: 0, era: 'modern' })
  legacy = await serveHttp({ port: 0, era: 'legacy' })
  naive = await serveNaive()
  forgetful = await serveForgetful()
  harness = await startGateway(
    {
      modern: [{ id: 'one', endpoint: modern.url }],
      legacy: [{ id: 'one', endpoint: legacy.url }],
      naive: [{ id: 'one', endpoint: naive.url }],
      telling: [{ id: 'one', endpoint: forgetful.url }],
    },
    { now: () => clock + performance.now(), heartbeatMs: HEARTBEAT_MS },
  )
})

afterEach(async () => {
  await harness.stop()
  for (const server of [modern, legacy, naive, forgetful]) await server.close()
})

const url = (template: string) => `${harness.base}/mcp/${template}`

/** Reads an event stream until `isEnough` says so of all that came, then hangs up. */
async function read(
  template: string,
  request: { method?: string; headers: Record<string, string>; body?: string },
  isEnough: (text: string) => boolean,
): Promise<string> {
  const abort = new AbortController()
  const { method = 'GET', headers, body = null } = request
  const accept = { accept: method === 'GET' ? EVENTS : `application/json, ${EVENTS}` }
  const all = { 'content-type': 'application/json', ...accept, ...headers }
  const response = await fetch(url(template), { method, headers: all, body, signal: abort.signal })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, EVENTS])
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!isEnough(text)) {
    const next = await reader?.read()
    if (!next || next.done) break
    text += next.value
  }
  abort.abort()
  return text
}

const idsOf = (text: string): string[] => [...text.matchAll(/^id: (.+)$/gm)].map(([, id = '']) => id)

describe.each(['modern', 'legacy'])('initialize on a %s server', (template) => {
  const initialize = async (protocolVersion: unknown): Promise<Record<string, unknown>> => {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    const session = new LegacySession(url(template), '', {})
    const { response } = await session.post(
      { jsonrpc: '2.0', id: 0, method: 'initialize', params },
      { 'mcp-session-id': 'none' },
    )
    return Object(response)
  }

  it.each(VERSIONS)('agrees on %s', async (version) => {
    expect(await initialize(version)).toMatchObject({ result: { protocolVersion: version } })
  })

  it.each(['2026-07-28', '2099-01-01', '1.0'])(
    'answers %s with the newest version that has sessions',
    async (version) => {
      expect(await initialize(version)).toMatchObject({ result: { protocolVersion: '2025-11-25' } })
    },
  )

  it('refuses a version that is none', async () => {
    expect(await initialize(7)).toMatchObject({ error: { code: -32_602 } })
  })

  it('is followed by messages of any version that has sessions, and of no other', async () => {
    const session = await LegacySession.open(url(template))
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    for (const version of VERSIONS)
      expect((await session.post(ping, { 'mcp-protocol-version': version })).status).toBe(200)
    const { status, response } = await session.post(ping, { 'mcp-protocol-version': '2099-01-01' })
    expect([status, response]).toMatchObject([
      400,
      { error: { code: -32_022, data: { supported: expect.anything() } } },
    ])
  })
})

describe('a batch of 2025-03-26', () => {
  const open = (template: string, capabilities = {}) =>
    LegacySession.open(url(template), { version: '2025-03-26', capabilities })
  const post = async (
    template: string,
    session: LegacySession,
    batch: unknown,
  ): Promise<{ status: number; json: unknown }> => {
    const headers = {
      'content-type': 'application/json',
      accept: `application/json, ${EVENTS}`,
      'mcp-session-id': session.id,
    }
    const response = await fetch(url(template), { method: 'POST', headers, body: JSON.stringify(batch) })
    const text = await response.text()
    return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
  }
  const request = (id: unknown, method: string, params: object = {}) => ({ jsonrpc: '2.0', id, method, params })
  const note = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }

  it.each(['modern', 'legacy'])(
    'is answered together, each by its own id; what fails, fails alone (%s)',
    async (template) => {
      const session = await open(template)
      const call = request('two', 'tools/call', { name: 'test_simple_text', arguments: {} })
      const { status, json } = await post(template, session, [
        request(1, 'tools/list'),
        note,
        call,
        request(3, 'no/such'),
      ])
      expect([status, json]).toMatchObject([
        200,
        [
          { id: 1, result: { tools: expect.anything() } },
          { id: 'two', result: { content: expect.anything() } },
          { id: 3, error: { code: -32_601 } },
        ],
      ])
    },
  )

  it('of notifications is accepted, an empty one and one with initialize are refused', async () => {
    const session = await open('legacy')
    expect(await post('legacy', session, [note, note])).toEqual({ status: 202, json: undefined })
    expect(await post('legacy', session, [])).toMatchObject({ status: 400, json: { error: { code: -32_600 } } })
    const initialize = request(1, 'initialize', { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: {} })
    expect((await post('legacy', session, [request(2, 'ping'), initialize])).status).toBe(400)
  })

  it('whose server asks back puts the question on the session’s own stream', async () => {
    const session = await open('naive', { sampling: {} })
    const asked = read('naive', { headers: { 'mcp-session-id': session.id } }, (text) =>
      text.includes('sampling/createMessage'),
    )
    const pending = post('naive', session, [request(1, 'tools/call', { name: 'ask', arguments: {} })])
    expect(await asked).toContain('"id":"ask"')
    await session.post({ jsonrpc: '2.0', id: 'ask', result: { model: 'm' } })
    expect((await pending).json).toMatchObject([{ id: 1, result: { content: [{ text: 'went on' }] } }])
  })
})

describe('an answer', () => {
  it.each(VERSIONS)(
    'that is there at once is plain JSON for a client of %s, unless it looks for priming',
    async (version) => {
      const session = await LegacySession.open(url('legacy'), { version })
      const { headers } = await session.call('tools/call', { name: 'test_simple_text', arguments: {} })
      const isPrimed = version === '2025-11-25'
      expect(headers.get('content-type')).toContain(isPrimed ? EVENTS : 'application/json')
    },
  )

  it('that begins with something else is a stream, primed for a client that knows it', async () => {
    const call = { name: 'test_tool_with_progress', arguments: {}, _meta: { progressToken: 1 } }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call })
    for (const version of VERSIONS) {
      const session = await LegacySession.open(url('legacy'), { version })
      const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': version }
      const text = await read('legacy', { method: 'POST', headers, body }, (read) => read.includes('"result"'))
      expect([version, /^retry: \d+\nid: \S+\.0\ndata: \n\n/.test(text)]).toEqual([version, version === '2025-11-25'])
    }
  })
})

describe('a stream that was lost', () => {
  const tell = async (from: number, to: number): Promise<void> => {
    const [, session] = forgetful.sessions
    for (let at = from; at <= to; at++) await session?.update(`test://${at}`)
  }
  const after = (count: number) => (text: string) => idsOf(text).length >= count

  it('is resumed after the last event that was seen, without a gap and without a repeat', async () => {
    const session = await LegacySession.open(url('telling'), { version: '2025-06-18' })
    const headers = { 'mcp-session-id': session.id }
    const first = read('telling', { headers }, after(3))
    await tell(1, 3)
    const ids = idsOf(await first)
    await tell(4, 6)
    const rest = await read('telling', { headers: { ...headers, 'last-event-id': ids[1] ?? '' } }, after(4))
    expect([...rest.matchAll(/test:\/\/(\d+)/g)].map(([, at]) => Number(at))).toEqual([3, 4, 5, 6])
  })

  it('keeps 256 events; who missed more is told so', async () => {
    const session = await LegacySession.open(url('telling'), { version: '2025-06-18' })
    const headers = { 'mcp-session-id': session.id }
    const first = read('telling', { headers }, after(2))
    await tell(1, 2)
    const [one = '', two = ''] = idsOf(await first)
    await tell(3, 258)
    const status = async (id: string): Promise<number> => {
      const abort = new AbortController()
      const all = { ...headers, accept: EVENTS, 'last-event-id': id }
      const response = await fetch(url('telling'), { headers: all, signal: abort.signal })
      abort.abort()
      return response.status
    }
    await waitFor(async () => (await status(one)) === 404, { what: 'more is kept' })
    expect([await status(two), await status('s.999'), await status('nonsense')]).toEqual([200, 404, 404])
  })

  it('of a call can be resumed for five minutes', async () => {
    const session = await LegacySession.open(url('naive'), { capabilities: { sampling: {} } })
    const headers = { 'mcp-session-id': session.id }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask', arguments: {} } })
    const text = await read('naive', { method: 'POST', headers, body }, (read) =>
      read.includes('sampling/createMessage'),
    )
    const ids = idsOf(text)
    await session.post({ jsonrpc: '2.0', id: 'ask', result: { model: 'm' } })
    const resumed = { ...headers, 'last-event-id': ids.at(-1) ?? '' }
    expect(await read('naive', { headers: resumed }, (read) => read.includes('went on'))).toContain('"id":1')
    await waitFor(() => harness.gateway.inFlight === 0, { what: 'the call did not end' })
    await session.call('ping')
    clock += 301_000
    const late = await fetch(url('naive'), { headers: { ...resumed, accept: EVENTS } })
    expect([late.status, (await late.text()).includes('no stream')]).toEqual([404, true])
  })
})

describe('a heartbeat', () => {
  const beats = (text: string): boolean => text.split(': keep-alive').length > 3

  it('is on the stream of a session, on that of a call, and on that of the old transport', async () => {
    const session = await LegacySession.open(url('naive'), { capabilities: { sampling: {} } })
    const headers = { 'mcp-session-id': session.id }
    expect(await read('naive', { headers }, beats)).toContain(': keep-alive')
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'hang', arguments: {} },
    })
    expect(await read('naive', { method: 'POST', headers, body }, beats)).toContain(': keep-alive')
    expect(await read('naive/sse', { headers: {} }, beats)).toContain('event: endpoint')
    await session.end()
  })

  it('comes every 15 seconds where nothing else is said', async () => {
    const own = await startGateway({ naive: [{ id: 'one', endpoint: naive.url }] })
    const abort = new AbortController()
    const session = await LegacySession.open(`${own.base}/mcp/naive`)
    const response = await fetch(`${own.base}/mcp/naive`, {
      headers: { accept: EVENTS, 'mcp-session-id': session.id },
      signal: abort.signal,
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toContain('retry: ')
    const next = reader?.read()
    expect(await Promise.race([next, delay(10_000, 'nothing yet')])).toBe('nothing yet')
    expect((await next)?.value).toBe(': keep-alive\n\n')
    abort.abort()
    await own.stop()
  })
})
