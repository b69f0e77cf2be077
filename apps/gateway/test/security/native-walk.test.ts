import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer } from '@mcp-platform/test-kit'
import { type Answer, send, type TestGateway } from '../helpers.js'
import { apiKey, startSecured } from './support.js'

const VERSION = '2025-06-18'
const MODERN = '2026-07-28'
const FORBIDDEN = -31006
const PATHS = ['/mcp/fs', '/mcp']

/** Every method of either era that a client may send, and what it needs. What nobody knows may do anything. */
const NEEDS: Readonly<Record<string, string>> = {
  ping: 'tools:read',
  'logging/setLevel': 'tools:read',
  'tools/list': 'tools:read',
  'tools/call': 'tools:call',
  'resources/list': 'resources:read',
  'resources/templates/list': 'resources:read',
  'resources/read': 'resources:read',
  'resources/subscribe': 'resources:read',
  'resources/unsubscribe': 'resources:read',
  'prompts/list': 'prompts:read',
  'prompts/get': 'prompts:read',
  'completion/complete': 'prompts:read',
  'tasks/get': 'tools:call',
  'tasks/list': 'tools:call',
  'tasks/result': 'tools:call',
  'tasks/cancel': 'tools:call',
  'tasks/update': 'tools:call',
  'vendor/anything': 'tools:call',
  constructor: 'tools:call',
}
const MODERN_NEEDS: Readonly<Record<string, string>> = {
  'server/discover': 'tools:read',
  'tools/list': 'tools:read',
  'tools/call': 'tools:call',
  'resources/list': 'resources:read',
  'resources/templates/list': 'resources:read',
  'resources/read': 'resources:read',
  'subscriptions/listen': 'resources:read',
  'prompts/list': 'prompts:read',
  'prompts/get': 'prompts:read',
  'completion/complete': 'prompts:read',
  'tasks/get': 'tools:call',
  'tasks/cancel': 'tools:call',
  'tasks/update': 'tools:call',
  'vendor/anything': 'tools:call',
}
const NOTIFICATIONS = [
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]

interface Rpc {
  readonly error?: { readonly code: number }
  readonly result?: Readonly<Record<string, unknown>>
}

/** The aggregate is what is visible of each template: an error, or lists without anything in them. */
function expectNothing({ error, result }: Rpc): void {
  if (error !== undefined) return
  const listed = Object.values(result ?? {}).flatMap((value) => (Array.isArray(value) ? value : []))
  expect(listed.filter((item) => typeof item === 'object')).toEqual([])
  expect(JSON.stringify(result)).not.toContain('fs__')
}

const HELLO = { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: 'walk', version: '1' } }
const PARAMS = { name: 'echo', uri: 'file:///x', arguments: {}, taskId: 't', level: 'info', notifications: {} }
const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'walk', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

function post(url: string, credential: string | undefined, body: unknown, headers: object = {}): Promise<Answer> {
  const authorization = credential === undefined ? {} : { authorization: `Bearer ${credential}` }
  return send(url, {
    method: 'POST',
    headers: { ...JSON_HEADERS, ...authorization, ...headers },
    body: JSON.stringify(body),
  })
}

describe('native MCP', () => {
  let server: FaultServer
  let gateway: TestGateway
  let reader = ''
  let nobody = ''
  let other = ''
  let revoked = ''
  const sessions = new Map<string, string>()

  beforeAll(async () => {
    server = await startFaultServer()
    gateway = await startSecured()
    const instance = { id: 'a', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    reader = (await apiKey(gateway, { scopes: ['tools:read'] })).key
    nobody = (await apiKey(gateway, { scopes: ['metrics:read'] })).key
    other = (await apiKey(gateway, { role: 'user' })).key
    const ended = await apiKey(gateway, { role: 'user' })
    await gateway.admin('DELETE', `/auth/api-keys/${ended.id}`)
    revoked = ended.key
    for (const path of PATHS) sessions.set(path, await openSession(path, reader))
  })
  afterAll(() => server.stop())

  async function openSession(path: string, credential: string): Promise<string> {
    const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params: HELLO }
    const { headers, text } = await post(gateway.url + path, credential, body)
    const id = headers.get('mcp-session-id')
    if (id === null) throw new Error(text)
    return id
  }

  const inSession = (path: string, credential: string | undefined, body: object): Promise<Answer> =>
    post(gateway.url + path, credential, body, {
      'mcp-session-id': sessions.get(path),
      'mcp-protocol-version': VERSION,
    })

  const executed = (): number => server.totalExecutions

  /** How often the server was asked for this. */
  const asked = (method: string): number => server.requests.filter(({ rpcMethod }) => rpcMethod === method).length

  const modern = (path: string, credential: string, method: string): Promise<Answer> =>
    post(
      gateway.url + path,
      credential,
      { jsonrpc: '2.0', id: 1, method, params: { ...PARAMS, _meta: META } },
      {
        'mcp-protocol-version': MODERN,
        'mcp-method': method,
        ...(['tools/call', 'prompts/get'].includes(method) ? { 'mcp-name': 'echo' } : {}),
        ...(method === 'resources/read' ? { 'mcp-name': 'file:///x' } : {}),
        ...(method.startsWith('tasks/') ? { 'mcp-name': 't' } : {}),
      },
    )

  describe.each(PATHS)('of 2025 on %s', (path) => {
    it.each(Object.entries(NEEDS))('%s needs %s, also in a session that is open', async (method, scope) => {
      const before = asked(method)
      const { status, json } = await inSession(path, reader, { jsonrpc: '2.0', id: 7, method, params: PARAMS })
      if (scope === 'tools:read') expect([method, json?.error?.code === FORBIDDEN]).toEqual([method, false])
      else if (path === '/mcp') expectNothing(json)
      else expect([method, status, json.error.code]).toEqual([method, 403, FORBIDDEN])
      if (scope !== 'tools:read') expect(asked(method)).toBe(before)
    })

    it('needs it for each message of a batch too', async () => {
      const methods = Object.entries(NEEDS).filter(([, scope]) => scope !== 'tools:read')
      const batch = methods.map(([method], id) => ({ jsonrpc: '2.0', id, method, params: PARAMS }))
      const { status, json } = await inSession(path, reader, batch)
      expect(status).toBe(200)
      if (path === '/mcp') json.forEach(expectNothing)
      else expect(json.map((answer: Rpc) => answer.error?.code)).toEqual(batch.map(() => FORBIDDEN))
      for (const { method } of batch) expect(asked(method)).toBe(0)
    })

    it('opens no session for somebody who may do nothing here', async () => {
      const { status, headers } = await post(gateway.url + path, nobody, {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: HELLO,
      })
      // The aggregate of nothing is empty, and belongs to whoever asks.
      if (path === '/mcp/fs') expect([status, headers.get('mcp-session-id')]).toEqual([403, null])
      else expect([200, 403]).toContain(status)
    })

    it.each(['POST', 'GET', 'DELETE'])('keeps a session from everybody but its owner: %s', async (verb) => {
      const headers = {
        'mcp-session-id': sessions.get(path) ?? '',
        'mcp-protocol-version': VERSION,
        ...JSON_HEADERS,
        ...(verb === 'GET' ? { accept: 'text/event-stream' } : {}),
      }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: PARAMS })
      const given = verb === 'POST' ? { body } : {}
      for (const [credential, wanted] of [
        [undefined, 401],
        ['malformed', 401],
        [revoked, 401],
        [other, 404],
        [gateway.adminToken, 404],
      ] as const) {
        const authorization = credential === undefined ? {} : { authorization: `Bearer ${credential}` }
        const answer = await send(gateway.url + path, {
          method: verb,
          headers: { ...headers, ...authorization },
          ...given,
        })
        expect([credential === other, answer.status]).toEqual([credential === other, wanted])
      }
      const alarms = gateway.logs.filter((line) => line.includes('came with the session of somebody else'))
      expect(alarms.length).toBeGreaterThanOrEqual(2)
      const ping = await inSession(path, reader, { jsonrpc: '2.0', id: 2, method: 'ping' })
      expect(ping.status).toBe(200)
      expect(executed()).toBe(0)
    })

    it.each([...Object.keys(NEEDS), ...NOTIFICATIONS])('%s in a session refuses bad credentials', async (method) => {
      for (const credential of [undefined, 'malformed', revoked]) {
        const { status } = await inSession(path, credential, { jsonrpc: '2.0', id: 1, method, params: PARAMS })
        expect([method, status]).toEqual([method, 401])
      }
    })
  })

  describe.each(PATHS)('of 2026 on %s', (path) => {
    it.each(Object.entries(MODERN_NEEDS))('%s needs %s', async (method, scope) => {
      const before = asked(method)
      for (const credential of scope === 'tools:read' ? [nobody] : [reader, nobody]) {
        // A subscription to all that one may see, which is nothing, is a stream without events.
        if (path === '/mcp' && method === 'subscriptions/listen') continue
        const { status, json } = await modern(path, credential, method)
        if (path === '/mcp') expectNothing(json)
        else expect([method, status, json.error.code]).toEqual([method, 403, FORBIDDEN])
      }
      expect(asked(method)).toBe(before)
    })
  })

  it.each([
    ['GET', 'sse'],
    ['POST', 'message?sessionId=x'],
  ])('%s of the deprecated transport refuses bad credentials', async (method, path) => {
    for (const credential of [undefined, 'malformed', revoked]) {
      const authorization = credential === undefined ? {} : { authorization: `Bearer ${credential}` }
      const answer = await send(`${gateway.url}/mcp/fs/${path}`, {
        method,
        headers: { ...authorization, 'content-type': 'application/json', accept: 'text/event-stream' },
        ...(method === 'POST' ? { body: '{}' } : {}),
      })
      expect(answer.status).toBe(401)
    }
  })

  it('has let nobody run a tool', () => {
    expect(executed()).toBe(0)
    const called = server.requests.map(({ rpcMethod }) => rpcMethod)
    for (const [method, scope] of Object.entries(NEEDS))
      if (scope === 'tools:call') expect(called).not.toContain(method)
  })
})
