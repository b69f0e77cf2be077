import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
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
})

describe('an address that a server must not have', () => {
  let canary: Server
  let hits = 0
  let port = 0
  let gateway: TestGateway

  beforeAll(async () => {
    canary = createServer((_, response) => {
      hits += 1
      response.end('{}')
    })
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve))
    port = (canary.address() as AddressInfo).port
    gateway = await startSecured({ host: '0.0.0.0' })
  })
  afterAll(() => new Promise((resolve) => canary.close(resolve)))

  const HOSTS = [
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.255.255.254',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '0.0.0.0',
    '0',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '169.254.169.254',
    '169.254.1.1',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '168.63.129.16',
    '100.100.100.200',
    '100.64.0.1',
    'metadata.google.internal',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
  ]

  it.each(HOSTS)('is refused at register or never connected to: %s', async (host) => {
    const instance = { endpoint: `http://${host}:${port}/mcp` }
    const id = `h${HOSTS.indexOf(host)}`
    const answer = await gateway.admin('POST', '/gateway/register?probe=true', { template_name: id, instance })
    if (answer.status === 201) {
      expect(answer.json.probe.ok).toBe(false)
      await gateway.admin('DELETE', `/gateway/deregister/${id}/${id}-1`)
    } else {
      expect(answer.status).toBe(422)
    }
    expect(hits).toBe(0)
  })

  it.each([
    'file:///etc/passwd',
    'gopher://127.0.0.1:1/_x',
    'ftp://127.0.0.1/',
    'data:text/plain,x',
    'javascript:alert(1)',
    'unix:/var/run/docker.sock',
    'http://user:password@example.com/mcp',
    'http://',
    'http://?',
    '//example.com/mcp',
    'http:\\\\127.0.0.1\\mcp',
    'http://exa mple.com/',
    'http://[::1',
    'http://127.0.0.1:99999/',
  ])('is refused at register: %s', async (endpoint) => {
    const answer = await gateway.admin('POST', '/gateway/register', { template_name: 'bad', instance: { endpoint } })
    if (answer.status === 201) {
      const instance = { endpoint }
      const probed = await gateway.admin('POST', '/gateway/register?probe=true&replace=true', {
        template_name: 'bad',
        instance,
      })
      expect(probed.json.probe.ok).toBe(false)
    } else expect(answer.status).toBe(422)
    expect(hits).toBe(0)
  })
})
