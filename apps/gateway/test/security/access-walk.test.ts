import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer } from '@mcp-platform/test-kit'
import { send, type TestGateway } from '../helpers.js'
import { apiKey, as, decode, signed, startSecured, stolenKey, userToken } from './support.js'

interface Operation {
  readonly security?: readonly { readonly gateway?: readonly string[] }[]
}

const document = JSON.parse(await readFile(new URL('../../openapi.json', import.meta.url), 'utf8'))
const VERBS = ['get', 'post', 'patch', 'delete', 'put']

/** Open to everybody by design. What is not in this list needs a credential. */
const PUBLIC: ReadonlySet<string> = new Set([
  'GET /gateway/health',
  'GET /health/live',
  'GET /health/ready',
  'POST /auth/login',
  'POST /auth/refresh',
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-protected-resource',
  'GET /.well-known/oauth-protected-resource/mcp',
  'GET /.well-known/oauth-protected-resource/mcp/{template}',
])
/** Whoever is known may ask; the answer depends on who it is. */
const OWN: ReadonlySet<string> = new Set([
  'GET /auth/me',
  'POST /auth/logout',
  'POST /auth/password',
  'GET /auth/api-keys',
  'POST /auth/api-keys',
  'POST /auth/api-keys/{id}/rotate',
  'DELETE /auth/api-keys/{id}',
])

const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
  VERBS.filter((verb) => Object.hasOwn(methods, verb)).map((verb) => `${verb.toUpperCase()} ${path}`),
)
const guarded = operations.filter((operation) => !PUBLIC.has(operation))

const concrete = (operation: string): readonly [method: string, path: string] => {
  const [method = '', path = ''] = operation.split(' ')
  const names = { '{template}': 'fs', '{instance_id}': 'a', '{name}': 'anna', '{id}': 'abcdefghijkl' }
  const query = path === '/gateway/explain' ? '?template=fs' : ''
  return [method, Object.entries(names).reduce((text, [name, value]) => text.replace(name, value), path) + query]
}

const NATIVE = [
  'initialize',
  'ping',
  'server/discover',
  'logging/setLevel',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'subscriptions/listen',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'tasks/get',
  'tasks/cancel',
  'vendor/anything',
  'notifications/initialized',
]

const MODERN = '2026-07-28'
const LEGACY_HELLO = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'walk', version: '1' } },
}
const META = {
  _meta: {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'walk', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  },
}
const nativeBody = (method: string): object => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params: {
    name: 'echo',
    uri: 'file:///x',
    arguments: {},
    ...META,
  },
})

function native(gateway: TestGateway, credential: string | undefined, method: string, path = '/mcp/fs') {
  return send(gateway.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(['tools/call', 'prompts/get'].includes(method) ? { 'mcp-name': 'echo' } : {}),
      ...(method === 'resources/read' ? { 'mcp-name': 'file:///x' } : {}),
      ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
    },
    body: JSON.stringify(nativeBody(method)),
  })
}

describe('every route and every native method', () => {
  let server: FaultServer
  let gateway: TestGateway
  let bad: Record<string, string | undefined> = {}
  let tooSmall = ''
  let withoutMetrics = ''
  let seenBefore = 0

  beforeAll(async () => {
    server = await startFaultServer()
    gateway = await startSecured()
    const instance = { id: 'a', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    const good = await userToken(gateway, 'anna', { role: 'admin' })
    const revoked = await apiKey(gateway, { role: 'user' })
    await gateway.admin('DELETE', `/auth/api-keys/${revoked.id}`)
    const { key } = await stolenKey(gateway)
    const [head, claims] = good.split('.').slice(0, 2).map(decode)
    const past = Math.floor(Date.now() / 1_000) - 1_000
    bad = {
      none: undefined,
      malformed: 'not-a-credential',
      'a key with a wrong checksum': `${revoked.key.slice(0, -1)}!`,
      'a key that was never made': revoked.key.replace(/_.{12}_/, '_AAAAAAAAAAAA_'),
      'a revoked key': revoked.key,
      'an expired token': signed(key, head, { ...claims, iat: past, exp: past + 60 }),
      'a token for somebody else': signed(key, head, { ...claims, aud: 'https://elsewhere.example' }),
      'a token of somebody else': signed(key, head, { ...claims, iss: 'https://elsewhere.example' }),
      'a token of an unknown user': signed(key, head, { ...claims, sub: 'nobody' }),
      'a token of an earlier epoch': signed(key, head, { ...claims, epoch: 1 }),
    }
    // The forged ones are refused for what they say, not for how they are made.
    const same = signed(key, head, { ...claims, jti: 'another' })
    expect((await as(gateway, same, 'GET', '/auth/me')).status).toBe(200)
    tooSmall = (await apiKey(gateway, { scopes: ['metrics:read'] })).key
    withoutMetrics = (await apiKey(gateway, { scopes: ['registry:read'] })).key
    seenBefore = server.requests.filter(({ rpcMethod }) => rpcMethod !== 'ping').length
  })
  afterAll(() => server.stop())

  it('is known to this test', () => {
    expect(operations.length).toBeGreaterThanOrEqual(45)
    expect([...PUBLIC, ...OWN].filter((operation) => !operations.includes(operation))).toEqual([])
  })

  it.each(guarded)('%s refuses every bad credential with 401 and a challenge', async (operation) => {
    const [method, path] = concrete(operation)
    for (const [what, credential] of Object.entries(bad)) {
      const { status, headers } = await as(gateway, credential, method, path, method === 'GET' ? undefined : {})
      expect([what, status]).toEqual([what, 401])
      expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="mcp-gateway".*resource_metadata="http/)
    }
  })

  it.each(guarded.filter((operation) => !OWN.has(operation)))(
    '%s refuses a credential whose scope is too small',
    async (operation) => {
      const [method, path] = concrete(operation)
      const credential = operation === 'GET /gateway/report' ? withoutMetrics : tooSmall
      const { status, headers } = await as(gateway, credential, method, path, method === 'GET' ? undefined : {})
      // The body of an MCP operation says what it is, so a bad one is found first.
      const allowed = path.startsWith('/mcp/') ? [403, 422] : [403]
      expect(allowed).toContain(status)
      if (status === 403) expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    },
  )

  it.each(NATIVE)('native %s refuses every bad credential and too small a scope', async (method) => {
    for (const path of ['/mcp/fs', '/mcp']) {
      for (const [what, credential] of Object.entries(bad)) {
        const { status, headers } = await native(gateway, credential, method, path)
        expect([what, path, status]).toEqual([what, path, 401])
        expect(headers.get('www-authenticate')).toContain(`/.well-known/oauth-protected-resource${path}"`)
      }
    }
    const { status, json } = await native(gateway, tooSmall, method)
    // What this protocol era does not have is refused for that.
    expect([400, 403, 404]).toContain(status)
    if (['tools/', 'resources/r', 'resources/l', 'prompts/', 'vendor/'].some((prefix) => method.startsWith(prefix))) {
      expect([method, status]).toEqual([method, 403])
    }
    if (status === 403) expect(json.error.code).toBe(-31006)
  })

  it.each(['GET', 'DELETE'])('native %s refuses every bad credential', async (method) => {
    for (const credential of Object.values(bad)) {
      expect((await as(gateway, credential, method, '/mcp/fs')).status).toBe(401)
    }
  })

  it('has let nothing through to the server', () => {
    const seen = server.requests.filter(({ rpcMethod }) => rpcMethod !== 'ping')
    const called = seen.slice(seenBefore).map(({ rpcMethod }) => rpcMethod)
    expect(called.filter((method) => method !== 'initialize' && method !== 'server/discover')).toEqual([])
    expect(server.totalExecutions).toBe(0)
  })

  it("shows nobody another user's keys, and lets nobody touch them", async () => {
    const bob = await userToken(gateway, 'bob')
    const carl = await userToken(gateway, 'carl')
    const made = await as(gateway, bob, 'POST', '/auth/api-keys', { name: 'mine' })
    expect(made.status).toBe(201)
    const { id } = made.json.key
    expect((await as(gateway, carl, 'GET', '/auth/api-keys')).json.count).toBe(0)
    for (const [method, path] of [
      ['POST', `/auth/api-keys/${id}/rotate`],
      ['DELETE', `/auth/api-keys/${id}`],
    ] as const) {
      const { status, json } = await as(gateway, carl, method, path)
      expect([status, json.code]).toEqual([404, 'API_KEY_NOT_FOUND'])
      expect((await as(gateway, carl, method, path.replace(id, 'abcdefghijkl'))).json.detail.length).toBeGreaterThan(0)
    }
    expect((await as(gateway, made.json.api_key, 'GET', '/auth/me')).status).toBe(200)
    // A stolen key must not breed.
    expect((await as(gateway, made.json.api_key, 'POST', '/auth/api-keys', { name: 'child' })).status).toBe(403)
  })

  it('does not say whether a template outside of the grant is there', async () => {
    const instance = { id: 'h', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'hidden', instance })
    const { key } = await apiKey(gateway, { role: 'operator', templates: ['fs'] })
    const answers = async (name: string): Promise<unknown[]> => {
      const rest = [
        ...['tools/list', 'resources/list', 'prompts/list', 'health'].map((path) => ['GET', `/mcp/${name}/${path}`]),
        ...['tools/call', 'tools/batch', 'resources/read', 'completion/complete'].map((path) => [
          'POST',
          `/mcp/${name}/${path}`,
        ]),
        ['POST', `/mcp/${name}/prompts/get`],
        ['GET', `/gateway/templates/${name}`],
        ['PATCH', `/gateway/templates/${name}`],
        ['PATCH', `/gateway/templates/${name}/instances/h`],
        ['DELETE', `/gateway/deregister/${name}/h`],
        ['GET', `/gateway/explain?template=${name}`],
      ] as const
      const given = { name: 'echo', uri: 'x:y', calls: [{ name: 'echo' }], weight: 1 }
      const seen: unknown[] = []
      for (const [method = '', path = ''] of rest) {
        const { status, json } = await as(gateway, key, method, path, method === 'GET' ? undefined : given)
        seen.push([path, status, { ...json, request_id: '' }])
      }
      for (const method of NATIVE) {
        const { status, json } = await native(gateway, key, method, `/mcp/${name}`)
        seen.push([method, status, json && { ...json.error, data: { ...json.error?.data, request_id: '' } }])
      }
      const legacy = await as(gateway, key, 'POST', `/mcp/${name}`, LEGACY_HELLO)
      seen.push([legacy.status, legacy.json.error.message])
      const aggregated = await as(gateway, key, 'POST', '/mcp', {
        ...nativeBody('tools/call'),
        params: { ...META, name: `${name}__echo` },
      })
      seen.push([aggregated.status, aggregated.json.error])
      return JSON.parse(JSON.stringify(seen).replaceAll(name, '{name}'))
    }
    const [there, notThere] = [await answers('hidden'), await answers('absent')]
    expect(there).toEqual(notThere)
    // What is within the grant says so, and names no other.
    const { key: wide } = await apiKey(gateway, { role: 'user', templates: ['fs', 'gone'] })
    const gone = await as(gateway, wide, 'GET', '/mcp/gone/tools/list')
    expect([gone.status, gone.json.code]).toEqual([404, 'TEMPLATE_NOT_FOUND'])
    expect(gone.text).not.toContain('hidden')
  })

  it('keeps a narrowed credential within its templates and tools', async () => {
    const instance = { id: 'b', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'other', instance })
    const { key } = await apiKey(gateway, { role: 'user', templates: ['fs'], tools: ['ec*'] })
    expect((await as(gateway, key, 'GET', '/gateway/templates')).json.count).toBe(1)
    expect((await as(gateway, key, 'GET', '/gateway/templates/other')).status).toBe(403)
    expect((await as(gateway, key, 'GET', '/mcp/other/tools/list')).status).toBe(403)
    const listed = (await as(gateway, key, 'GET', '/mcp/fs/tools/list')).json.tools.map(
      ({ name }: { name: string }) => name,
    )
    expect(listed).toEqual(['echo'])
    expect((await as(gateway, key, 'POST', '/mcp/fs/tools/call', { name: 'echo', arguments: {} })).status).toBe(200)
    const before = server.totalExecutions
    for (const name of ['write', 'add', 'ECHO', 'toString']) {
      expect((await as(gateway, key, 'POST', '/mcp/fs/tools/call', { name, arguments: {} })).status).toBe(403)
    }
    expect(server.totalExecutions).toBe(before)
  })
})
