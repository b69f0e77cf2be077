import { beforeAll, describe, expect, it } from '@jest/globals'
import { send, sendRaw, sendWithHost, start, type TestGateway } from './helpers.js'

describe('every request', () => {
  let gateway: TestGateway
  let authority = ''

  beforeAll(async () => {
    gateway = await start({
      flags: {
        'allowed-host': ['mcp.example.com'],
        'allowed-origin': 'https://app.example.com',
        'cors-origin': 'https://dash.example.com',
        'public-url': 'https://gateway.example.org/',
      },
    })
    authority = new URL(gateway.url).host
  })

  const paths = ['/gateway/health', '/mcp/t/health', '/docs/', '/nothing']

  it.each(paths)('is served to names that are known, %s', async (path) => {
    for (const host of [
      authority,
      'localhost:1',
      '[::1]:8080',
      'mcp.example.com',
      'MCP.example.com:99',
      'gateway.example.org',
    ]) {
      expect([host, (await sendWithHost(gateway.url + path, host)).status]).not.toEqual([host, 403])
    }
  })

  it.each(paths)('is refused for any other Host (DNS rebinding), %s', async (path) => {
    for (const host of ['evil.example', 'localhost.evil.example', '192.0.2.1', '127.0.0.1.evil.example:8080']) {
      const { status, text } = await sendWithHost(gateway.url + path, host)
      expect([host, status, JSON.parse(text).code]).toEqual([host, 403, 'HOST_NOT_ALLOWED'])
    }
  })

  it.each(paths)('is refused for pages of any other origin, %s', async (path) => {
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:3000',
      `http://${authority}.evil.example`,
    ]) {
      const { status, json } = await gateway.get(path, { origin })
      expect([origin, status, json.code]).toEqual([origin, 403, 'ORIGIN_NOT_ALLOWED'])
    }
    for (const origin of ['https://app.example.com', `http://${authority}`, 'https://gateway.example.org']) {
      expect([origin, (await gateway.get(path, { origin })).status]).not.toEqual([origin, 403])
    }
  })

  it('lets only the configured origins read answers', async () => {
    const dash = await gateway.get('/gateway/health', { origin: 'https://dash.example.com' })
    expect(dash.headers.get('access-control-allow-origin')).toBe('https://dash.example.com')
    const app = await gateway.get('/gateway/health', { origin: 'https://app.example.com' })
    expect(app.headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await send(`${gateway.url}/gateway/register`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://dash.example.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization, content-type')
  })

  it('is refused as a change from another site', async () => {
    const headers = { authorization: `Bearer ${gateway.adminToken}`, 'sec-fetch-site': 'cross-site' }
    const { status, json } = await send(`${gateway.url}/gateway/sync`, { method: 'POST', headers })
    expect([status, json.code]).toEqual([403, 'ORIGIN_NOT_ALLOWED'])
  })

  it('is refused with two Host, Authorization or Content-Length headers, or as a request to a proxy', async () => {
    const head = (lines: string[]): string => `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`
    const host = `Host: ${authority}`
    for (const bytes of [
      head(['GET /gateway/health HTTP/1.1', host, 'Host: other']),
      head(['GET /gateway/health HTTP/1.1', host, 'Authorization: Bearer a', 'authorization: Bearer b']),
      head(['POST /gateway/sync HTTP/1.1', host, 'Content-Length: 0', 'Content-Length: 1']),
      head(['POST /mcp/t HTTP/1.1', host, 'Mcp-Session-Id: a', 'mcp-session-id: b']),
      head([`GET ${gateway.url}/gateway/health HTTP/1.1`, host]),
      head(['NONSENSE']),
    ]) {
      expect(await sendRaw(gateway.url, bytes)).toMatch(/^HTTP\/1\.1 400 /)
    }
  })

  it('may have 16 KiB of headers', async () => {
    const big = await sendRaw(
      gateway.url,
      `GET /gateway/health HTTP/1.1\r\nHost: ${authority}\r\nX-Big: ${'x'.repeat(17_000)}\r\n\r\n`,
    )
    expect(big).toMatch(/^HTTP\/1\.1 431 /)
    expect(big).toContain('the headers are larger than 16 KiB')
  })

  it('keeps a valid X-Request-Id and replaces any other', async () => {
    expect((await gateway.get('/gateway/health', { 'x-request-id': 'a-1_b.c:d' })).headers.get('x-request-id')).toBe(
      'a-1_b.c:d',
    )
    const minted = (await gateway.get('/gateway/health', { 'x-request-id': 'has space' })).headers.get('x-request-id')
    expect(minted).toMatch(/^[0-9a-f-]{36}$/)
    const problem = await gateway.get('/nothing', { 'x-request-id': 'mine' })
    expect(problem.json).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND', request_id: 'mine' })
  })

  it('is answered with headers that protect browsers', async () => {
    for (const path of ['/docs/', '/redoc', '/gateway/health', '/nothing']) {
      const { headers } = await gateway.get(path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('x-powered-by')).toBeNull()
    }
  })

  it('is told which methods a path has', async () => {
    const { status, headers, json } = await send(`${gateway.url}/gateway/templates/x`, { method: 'PUT' })
    expect([status, json.code, headers.get('allow')]).toEqual([405, 'METHOD_NOT_ALLOWED', 'GET, PATCH'])
  })
})

describe('a management body', () => {
  let gateway: TestGateway

  beforeAll(async () => {
    gateway = await start()
  })

  const post = (body: string, headers: Record<string, string> = {}) =>
    send(`${gateway.url}/gateway/register`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json', ...headers },
    })

  it.each([
    ['no JSON', '{', 400, 'REQUEST_MALFORMED', /not JSON/],
    ['a duplicate member', '{"instance":{"a":1,"a":2}}', 400, 'REQUEST_MALFORMED', /"a" is given twice/],
    ['__proto__', '{"__proto__":{}}', 400, 'REQUEST_MALFORMED', /"__proto__" is not accepted/],
    ['too much nesting', '['.repeat(100) + ']'.repeat(100), 400, 'REQUEST_MALFORMED', /deeper than 64/],
    ['no object', '"x"', 422, 'VALIDATION_FAILED', /object/],
  ])('with %s is refused', async (_, body, status, code, detail) => {
    const { json } = await post(body)
    expect(json).toMatchObject({ status, code })
    expect(json.detail).toMatch(detail)
  })

  it('must be JSON, as it is', async () => {
    expect((await post('{}', { 'content-type': 'text/plain' })).json).toMatchObject({
      status: 415,
      code: 'CONTENT_TYPE_UNSUPPORTED',
    })
    expect((await post('{}', { 'content-encoding': 'gzip' })).json).toMatchObject({
      status: 415,
      code: 'CONTENT_ENCODING_UNSUPPORTED',
    })
    expect((await post('{}', { 'content-type': 'application/json; charset=utf-16' })).status).toBe(415)
    expect((await post('{}', { 'content-type': 'application/json; charset=utf-8' })).status).toBe(422)
  })

  it('may have 1 MiB, announced or not', async () => {
    const big = JSON.stringify({ x: 'x'.repeat(1_100_000) })
    expect((await post(big)).json).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
    const stream = new Blob([big]).stream()
    const chunked = await send(`${gateway.url}/gateway/register`, {
      method: 'POST',
      body: stream,
      duplex: 'half',
      headers: { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json' },
    } as RequestInit)
    expect(chunked.status).toBe(413)
    const fits = await post(JSON.stringify({ x: 'x'.repeat(1_000_000) }))
    expect(fits.status).toBe(422)
  })

  it('is not read from a stranger', async () => {
    const { status } = await send(`${gateway.url}/gateway/register`, {
      method: 'POST',
      body: '{"a":1,"a":2}',
      headers: { 'content-type': 'application/json' },
    })
    expect(status).toBe(401)
  })
})
