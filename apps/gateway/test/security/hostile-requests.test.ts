import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer } from '@mcp-platform/test-kit'
import { sendRaw, type TestGateway } from '../helpers.js'
import { apiKey, as, startSecured } from './support.js'

describe('hostile bytes', () => {
  let server: FaultServer
  let gateway: TestGateway
  let key = ''

  beforeAll(async () => {
    server = await startFaultServer()
    gateway = await startSecured()
    const instance = { id: 'a', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    key = (await apiKey(gateway, { role: 'user' })).key
  })
  afterAll(() => server.stop())

  const CALL = '{"name":"echo","arguments":{"canary":"smuggled"}}'
  const inner = (): string =>
    `POST /mcp/fs/tools/call HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${CALL.length}\r\n\r\n${CALL}`
  const HEAD = 'POST /mcp/fs/tools/call HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'

  it.each<[string, () => string]>([
    ['Content-Length twice', () => `${HEAD}Content-Length: 0\r\nContent-Length: 200\r\n\r\n${inner()}`],
    ['Content-Length as a list', () => `${HEAD}Content-Length: 0, 200\r\n\r\n${inner()}`],
    ['a signed Content-Length', () => `${HEAD}Content-Length: +0\r\n\r\n${inner()}`],
    ['a hexadecimal Content-Length', () => `${HEAD}Content-Length: 0x0\r\n\r\n${inner()}`],
    [
      'both Content-Length and Transfer-Encoding',
      () => `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner()}`,
    ],
    [
      'Transfer-Encoding and Content-Length',
      () => `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${inner()}`,
    ],
    ['an unknown Transfer-Encoding', () => `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner()}`],
    ['a Transfer-Encoding with a tab', () => `${HEAD}Transfer-Encoding:\tchunked, identity\r\n\r\n0\r\n\r\n${inner()}`],
    ['a space before the colon', () => `${HEAD}Content-Length : 0\r\n\r\n${inner()}`],
    ['a folded header', () => `${HEAD}X-A: b\r\n Content-Length: 0\r\n\r\n${inner()}`],
    ['a bare LF', () => `${HEAD}X-A: b\nContent-Length: 0\r\n\r\n${inner()}`],
    ['a bare CR', () => `${HEAD}X-A: b\rContent-Length: 0\r\n\r\n${inner()}`],
    ['a NUL in a header', () => `${HEAD}X-A: b\0c\r\nContent-Length: 0\r\n\r\n${inner()}`],
    ['a bad chunk size', () => `${HEAD}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n${inner()}`],
    [
      'a chunk that is longer than it says',
      () => `${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n0\r\n\r\n${inner()}`,
    ],
    ['two Host headers', () => `${HEAD}Host: evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`],
    [
      'two Authorization headers',
      () =>
        `${HEAD}Authorization: Bearer x\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${CALL.length}\r\nConnection: close\r\n\r\n${CALL}`,
    ],
    [
      'two API keys',
      () =>
        `${HEAD}X-API-Key: x\r\nX-Api-Key: ${key}\r\nContent-Length: ${CALL.length}\r\nConnection: close\r\n\r\n${CALL}`,
    ],
    [
      'an absolute target',
      () =>
        `POST http://127.0.0.1/mcp/fs/tools/call HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${CALL.length}\r\nConnection: close\r\n\r\n${CALL}`,
    ],
    [
      'a target of another host',
      () => `GET http://169.254.169.254/latest HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    ],
    ['no Host', () => `GET /auth/me HTTP/1.1\r\nConnection: close\r\n\r\n`],
    ['a Host with a path', () => `GET /auth/me HTTP/1.1\r\nHost: 127.0.0.1/admin\r\nConnection: close\r\n\r\n`],
    ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('with %s are refused and nothing that follows is executed', async (_, bytes) => {
    const answer = await sendRaw(gateway.url, bytes())
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
    expect(statuses.filter((status) => status < 400)).toEqual([])
    expect(server.executions('smuggled')).toBe(0)
  })

  it.each([
    '{"template_name":"p","__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"a":{"b":[{"__proto__":1}]}}',
    '{"\\u005f_proto__":{"admin":true}}',
    '{"name":"a","name":"b"}',
    `${'{"a":'.repeat(80)}1${'}'.repeat(80)}`,
  ])('that reach for a prototype or say things twice are refused by every endpoint: %s', async (body) => {
    for (const [method, path] of [
      ['POST', '/gateway/register'],
      ['POST', '/gateway/import'],
      ['POST', '/gateway/sync'],
      ['PATCH', '/gateway/templates/fs'],
      ['PATCH', '/gateway/templates/fs/instances/a'],
      ['POST', '/auth/login'],
      ['POST', '/auth/refresh'],
      ['POST', '/auth/logout'],
      ['POST', '/auth/password'],
      ['POST', '/auth/users'],
      ['PATCH', '/auth/users/anna'],
      ['POST', '/auth/api-keys'],
      ['POST', '/auth/api-keys/abcdefghijkl/rotate'],
    ] as const) {
      const { status, json } = await as(gateway, gateway.adminToken, method, path, body)
      expect([path, status, json.code]).toEqual([path, 400, 'REQUEST_MALFORMED'])
    }
    expect(Reflect.get({}, 'admin')).toBeUndefined()
  })

  it.each(['..%2f..%2fetc%2fpasswd', '%2e%2e', '..%5c..', 'a%00b', 'a%0d%0aX-Evil:%201', '%', 'a%2fb', '…'])(
    'in a name lead nowhere: %s',
    async (name) => {
      for (const path of [`/gateway/templates/${name}`, `/mcp/${name}/tools/list`, `/auth/users/${name}`]) {
        const method = path.startsWith('/auth') ? 'DELETE' : 'GET'
        const { status, headers } = await as(gateway, gateway.adminToken, method, path)
        expect([400, 404, 405, 422]).toContain(status)
        expect(headers.get('x-evil')).toBeNull()
      }
    },
  )

  const BREAKS = ['a\r\nX-Evil: 1', 'a\nX-Evil: 1', 'a\rX-Evil: 1', 'a\u0000b', 'a\u2028X-Evil: 1', 'a\u010aX-Evil: 1']

  it.each(BREAKS)(
    'that would begin a new header come out as none, neither here nor at the server: %j',
    async (text) => {
      const before = server.requests.length
      const answers = [
        await as(gateway, key, 'POST', '/mcp/fs/tools/call', { name: text, arguments: { text } }),
        await as(gateway, key, 'POST', '/mcp/fs/tools/call', { name: 'echo', arguments: { text } }),
        await as(gateway, key, 'POST', '/mcp/fs/resources/read', { uri: text }),
        await as(gateway, key, 'POST', '/mcp/fs/prompts/get', { name: text }),
        await as(gateway, undefined, 'POST', '/auth/login', { username: text, password: text }),
        await as(gateway, gateway.adminToken, 'POST', '/auth/users', { name: text, password: 'four words make one' }),
        await as(gateway, gateway.adminToken, 'POST', '/auth/api-keys', { name: text, scopes: [text] }),
        await as(gateway, gateway.adminToken, 'POST', '/gateway/register', {
          template_name: text,
          instance: { id: text, endpoint: server.url },
        }),
        await as(gateway, gateway.adminToken, 'GET', `/auth/audit?actor=${encodeURIComponent(text)}`),
      ]
      for (const { headers } of answers) expect(headers.get('x-evil')).toBeNull()
      for (const { headers } of server.requests.slice(before)) expect(Object.keys(headers)).not.toContain('x-evil')
    },
  )

  it.each(BREAKS)('in the headers of a server are refused or sent as one: %j', async (text) => {
    for (const headers of [{ 'x-tag': text }, { [text]: 'x' }, { 'x-tag': 'x', host: 'evil.example' }]) {
      const instance = { id: 'h', endpoint: server.url, headers }
      const body = { template_name: 'headers', instance }
      const made = await as(gateway, gateway.adminToken, 'POST', '/gateway/register?replace=true&probe=true', body)
      expect([headers, [200, 201, 422].includes(made.status)]).toEqual([headers, true])
    }
    for (const { headers } of server.requests) {
      expect(Object.keys(headers)).not.toContain('x-evil')
      expect(headers['host']).not.toBe('evil.example')
    }
  })

  it('as a request id are not said again', async () => {
    for (const id of ['a\tb', 'x'.repeat(300), '<script>', 'a;b', '../..']) {
      const { headers } = await gateway.get('/health/live', { 'x-request-id': id })
      const said = headers.get('x-request-id') ?? ''
      expect(said).toMatch(/^[\w.:-]{1,128}$/)
    }
  })
})
