import { beforeAll, describe, expect, it } from '@jest/globals'
import { tempDir, waitFor } from '@mcp-platform/test-kit'
import { type Answer, start, type TestGateway } from '../helpers.js'
import { apiKey, as, loginToken, PASSWORD, startFailure, startSecured, userToken } from './support.js'

describe('users', () => {
  let gateway: TestGateway

  beforeAll(async () => {
    gateway = await startSecured()
  })

  it('log in with JSON and with a form, refresh once per token, and log out', async () => {
    await userToken(gateway, 'anna')
    const form = new URLSearchParams({ grant_type: 'password', username: 'anna', password: PASSWORD })
    const answer = await fetch(`${gateway.url}/auth/login`, { method: 'POST', body: form })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const login = (await answer.json()) as { access_token: string; refresh_token: string }
    expect(login).toMatchObject({ token_type: 'bearer', expires_in: 900 })
    const next = await as(gateway, undefined, 'POST', '/auth/refresh', { refresh_token: login.refresh_token })
    expect(next.status).toBe(200)
    // The second use ends the login for both of those who have it.
    for (const refresh_token of [login.refresh_token, next.json.refresh_token]) {
      expect((await as(gateway, undefined, 'POST', '/auth/refresh', { refresh_token })).status).toBe(401)
    }
    const again = await loginToken(gateway, 'anna')
    expect((await as(gateway, again, 'POST', '/auth/logout')).status).toBe(204)
    expect((await as(gateway, again, 'GET', '/auth/me')).status).toBe(401)
  })

  it('lose what they had at once: role, state, password, deletion', async () => {
    for (const [name, change] of [
      ['u-role', () => gateway.admin('PATCH', '/auth/users/u-role', { role: 'auditor' })],
      ['u-off', () => gateway.admin('PATCH', '/auth/users/u-off', { disabled: true })],
      [
        'u-password',
        () => gateway.admin('POST', '/auth/password', { username: 'u-password', new_password: `${PASSWORD}!` }),
      ],
      ['u-gone', () => gateway.admin('DELETE', '/auth/users/u-gone')],
    ] as const) {
      const token = await userToken(gateway, name)
      const key = (await as(gateway, token, 'POST', '/auth/api-keys', { name: 'k' })).json.api_key
      expect((await as(gateway, token, 'GET', '/auth/me')).status).toBe(200)
      expect((await change()).status).toBeLessThan(300)
      expect([name, (await as(gateway, token, 'GET', '/auth/me')).status]).toEqual([name, 401])
      const keyStatus = (await as(gateway, key, 'GET', '/auth/me')).status
      expect([name, keyStatus]).toEqual([name, name === 'u-off' || name === 'u-gone' ? 401 : 200])
    }
  })

  it('may try another new password at once when one is refused, and may not guess their own', async () => {
    const token = await userToken(gateway, 'u-choosy')
    const change = (current_password: string, new_password: string) =>
      as(gateway, token, 'POST', '/auth/password', { current_password, new_password })
    for (const refused of ['short', 'passwordpassword']) {
      expect([refused, (await change(PASSWORD, refused)).status]).toEqual([refused, 422])
    }
    expect((await change('not the password', `${PASSWORD}!`)).status).toBe(403)
    // Each wrong one makes the wait longer, until a busy machine asks again within it too.
    const again = () => change('not the password', `${PASSWORD}!`)
    await waitFor(async () => (await again()).json.code === 'LOGIN_THROTTLED', { what: 'it may be guessed' })
  })

  it.each(['leavemealone', 'SonyEricsson', 'mailcreated5240', 'Zanzibar#2026', 'c0wb0ys-2026!'])(
    'cannot have a password that is guessed first: %s',
    async (password) => {
      const made = await gateway.admin('POST', '/auth/users', { name: 'u-lazy', password })
      expect([made.status, made.json.errors?.[0].path]).toEqual([422, 'password'])
    },
  )

  it('have an event stream cut when their credential ends', async () => {
    const { key, id } = await apiKey(gateway, { role: 'user' })
    const response = await fetch(`${gateway.url}/gateway/events`, { headers: { 'x-api-key': key } })
    const reader = response.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    await gateway.admin('DELETE', `/auth/api-keys/${id}`)
    await expect(readOn(reader)).resolves.toBe('ended')
  })

  it('never gain rights that the one who gives them lacks, and one administrator stays', async () => {
    const admin = await userToken(gateway, 'chief', { role: 'admin' })
    const risen = await as(gateway, admin, 'POST', '/auth/users', { name: 'x', scopes: ['registry:exec'] })
    expect([risen.status, risen.json.code]).toEqual([403, 'FORBIDDEN'])
    expect((await as(gateway, admin, 'PATCH', '/auth/users/chief', { role: 'user' })).json.code).toBe('LAST_ADMIN')
    expect((await as(gateway, admin, 'DELETE', '/auth/users/chief')).json.code).toBe('LAST_ADMIN')
    const user = await userToken(gateway, 'small')
    for (const role of ['admin', 'operator', 'auditor']) {
      expect((await as(gateway, user, 'POST', '/auth/api-keys', { name: 'k', role })).status).toBe(403)
    }
    expect((await as(gateway, user, 'POST', '/auth/api-keys', { name: 'k', expires_in: 'never' })).status).toBe(403)
    expect((await as(gateway, user, 'POST', '/auth/api-keys', { name: 'k', owner: 'chief' })).status).toBe(403)
  })

  it.each([
    ['POST', '/auth/users', { name: 'm', owner: 'root' }],
    ['POST', '/auth/users', { name: 'm', epoch: 9 }],
    ['POST', '/auth/users', { name: 'm', disabled: false }],
    ['PATCH', '/auth/users/anna', { name: 'root' }],
    ['PATCH', '/auth/users/anna', { password: PASSWORD }],
    ['POST', '/auth/api-keys', { name: 'm', id: 'abcdefghijkl' }],
    ['POST', '/auth/api-keys', { name: 'm', secrets: [] }],
    ['POST', '/auth/password', { username: 'anna', new_password: PASSWORD, role: 'admin' }],
    ['POST', '/auth/logout', { user: 'anna' }],
    ['POST', '/auth/login', { username: 'anna', password: PASSWORD, role: 'admin' }],
  ])('%s %s takes no member that it does not know: %j', async (method, path, body) => {
    const { status, json } = await gateway.admin(method, path, body)
    expect([status, json.code]).toEqual([422, 'VALIDATION_FAILED'])
  })

  it('are slowed down when they guess, known or not, in the same words', async () => {
    await userToken(gateway, 'slow')
    for (const username of ['slow', 'never-heard-of']) {
      const wrong = await as(gateway, undefined, 'POST', '/auth/login', { username, password: 'wrong' })
      expect([wrong.status, wrong.json.code, wrong.json.detail]).toEqual([
        401,
        'LOGIN_FAILED',
        'the login is not valid',
      ])
      // Each wrong one makes the wait longer, until a busy machine asks again within it too.
      const again = async (): Promise<Answer | undefined> => {
        const answer = await as(gateway, undefined, 'POST', '/auth/login', { username, password: 'wrong' })
        return answer.status === 429 ? answer : undefined
      }
      const soon = await waitFor(again, { what: 'it may be guessed' })
      expect(soon.json.code).toBe('LOGIN_THROTTLED')
      expect(Number(soon.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    }
  })

  it('set their own password with the one before, and not a common one', async () => {
    const token = await userToken(gateway, 'own')
    const set = (body: object) => as(gateway, token, 'POST', '/auth/password', body)
    expect((await set({ new_password: 'another four words here' })).status).toBe(403)
    await waitFor(
      async () => (await set({ new_password: 'passwordpassword', current_password: PASSWORD })).status === 422,
      { what: 'the wait after a wrong password is over' },
    )
    await waitFor(
      async () => (await set({ new_password: 'another four words here', current_password: PASSWORD })).status === 204,
      { what: 'the password is set' },
    )
    expect((await as(gateway, token, 'GET', '/auth/me')).status).toBe(401)
  })
})

describe('API keys', () => {
  it('rotate with an overlap, end when told, and hold only from their networks', async () => {
    const gateway = await startSecured()
    const { key, id } = await apiKey(gateway, { role: 'user', cidrs: ['127.0.0.0/8'] })
    const rotated = await gateway.admin('POST', `/auth/api-keys/${id}/rotate`, { overlap: 60 })
    for (const text of [key, rotated.json.api_key])
      expect((await as(gateway, text, 'GET', '/auth/me')).status).toBe(200)
    const now = await gateway.admin('POST', `/auth/api-keys/${id}/rotate`, { overlap: 0 })
    expect((await as(gateway, key, 'GET', '/auth/me')).status).toBe(401)
    expect((await as(gateway, now.json.api_key, 'GET', '/auth/me')).status).toBe(200)
    const far = await apiKey(gateway, { role: 'user', cidrs: ['10.0.0.0/8'] })
    expect((await as(gateway, far.key, 'GET', '/auth/me')).status).toBe(401)
    const nowhere = await apiKey(gateway, { role: 'user', cidrs: [] })
    expect((await as(gateway, nowhere.key, 'GET', '/auth/me')).status).toBe(401)
    const both = await gateway.get('/auth/me', { authorization: `Bearer ${far.key}`, 'x-api-key': key })
    expect([both.status, both.json.code]).toEqual([400, 'CREDENTIALS_CONFLICT'])
    await gateway.close()
  })
})

describe('limits', () => {
  it('answer 429 with RateLimit and Retry-After per address, principal, template and tool', async () => {
    const rate = ['address=1000/h', 'principal=40/h', 'tool:fs/write*=1/h', 'template:busy=1/h', 'unauthenticated=3/h']
    const gateway = await start({ flags: { auth: true, 'rate-limit': rate } })
    const statuses = await repeat(5, async () => (await gateway.get('/auth/me')).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    const refused = await gateway.get('/auth/me')
    expect(refused.headers.get('ratelimit')).toMatch(/^"unauthenticated";r=0;t=\d+$/)
    expect(refused.headers.get('ratelimit-policy')).toBe('"unauthenticated";q=3;w=3600')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    // Others at the same address are served on.
    const { key } = await apiKey(gateway, { role: 'user' })
    const call = (template: string, name: string) =>
      as(gateway, key, 'POST', `/mcp/${template}/tools/call`, { name, arguments: {} })
    for (const template of ['fs', 'busy']) {
      const instance = { id: 'a', endpoint: 'http://127.0.0.1:1' }
      await gateway.admin('POST', '/gateway/register', { template_name: template, instance })
    }
    expect((await call('fs', 'write_file')).status).not.toBe(429)
    const limited = await call('fs', 'write_file')
    expect([limited.status, limited.json.code]).toEqual([429, 'RATE_LIMITED'])
    expect(limited.headers.get('ratelimit')).toMatch(/^"tool";r=0/)
    expect((await call('fs', 'read_file')).status).not.toBe(429)
    expect((await call('busy', 'a')).status).not.toBe(429)
    expect((await call('busy', 'b')).headers.get('ratelimit')).toMatch(/^"template"/)
    const before = (await as(gateway, key, 'GET', '/auth/me')).headers
    expect(before.get('ratelimit-policy')).toBe('"principal";q=40;w=3600')
    const left = (headers: Headers): number =>
      Number(/^"principal";r=(\d+);t=\d+$/.exec(headers.get('ratelimit') ?? '')?.[1])
    const after = (await as(gateway, key, 'GET', '/mcp/fs/nothing')).headers
    const native = (await as(gateway, key, 'POST', '/mcp/fs', { jsonrpc: '2.0', id: 1, method: 'ping' })).headers
    expect([left(before) > 0, left(native)]).toEqual([true, left(before) - (after.has('ratelimit') ? 2 : 1)])
    await repeat(40, () => as(gateway, key, 'GET', '/auth/me'))
    expect((await as(gateway, key, 'GET', '/auth/me')).headers.get('ratelimit')).toMatch(/^"principal"/)
    await gateway.close()
  })
})

describe('limits of an address', () => {
  it('count every request of it, and logins by themselves', async () => {
    const gateway = await start({ flags: { auth: true, 'rate-limit': ['address=6/h', 'login=2/h'] } })
    const login = () => as(gateway, undefined, 'POST', '/auth/login', { username: 'nobody-1', password: PASSWORD })
    const other = () => as(gateway, undefined, 'POST', '/auth/login', { username: 'nobody-2', password: PASSWORD })
    expect([(await login()).status, (await other()).status]).toEqual([401, 401])
    const refused = await as(gateway, undefined, 'POST', '/auth/login', { username: 'nobody-3', password: PASSWORD })
    expect([refused.status, refused.json.code]).toEqual([429, 'LOGIN_THROTTLED'])
    const statuses = await repeat(8, async () => (await gateway.admin('GET', '/auth/me')).status)
    expect(statuses.slice(-2)).toEqual([429, 429])
    expect((await gateway.admin('GET', '/auth/me')).headers.get('ratelimit')).toMatch(/^"address";r=0/)
    await gateway.close()
  })
})

describe('the master key', () => {
  it('is needed for a database that others can share', async () => {
    const env = { MCPP_STATE_DIR: (await tempDir()).path }
    const error = await startFailure({ env, flags: { port: 0, database: 'postgresql://u@127.0.0.1:1/g' } })
    expect(error.code).toBe('MASTER_KEY')
    expect(error.message).toMatch(/^a database that several nodes can share needs a master key .* makes one\)$/)
  })

  it('must be the one of the database, and is never shown', async () => {
    const stateDir = (await tempDir()).path
    const own = 'a1'.repeat(32)
    const other = 'b2'.repeat(32)
    const env = { MCPP_STATE_DIR: stateDir, MCP_GATEWAY_MASTER_KEY: own }
    await (await start({ stateDir, env })).close()
    const refused = await startFailure({ env: { ...env, MCP_GATEWAY_MASTER_KEY: other }, flags: { port: 0 } })
    expect(refused.code).toBe('MASTER_KEY')
    expect(refused.message).toMatch(/belongs to the master key/)
    const bad = await startFailure({ env: { ...env, MCP_GATEWAY_MASTER_KEY: 'hunter2-hunter2' }, flags: { port: 0 } })
    expect(bad.message).toMatch(/the master key in MCP_GATEWAY_MASTER_KEY cannot be used/)
    expect(bad.message + refused.message).not.toMatch(/hunter2|a1a1|b2b2/)
  })

  it('can be replaced by another one while the old one is still read', async () => {
    const stateDir = (await tempDir()).path
    const keys = ['a1'.repeat(32), 'b2'.repeat(32)]
    const env = (text: string) => ({ MCPP_STATE_DIR: stateDir, MCP_GATEWAY_MASTER_KEY: text })
    const before = await start({ stateDir, env: env(keys[0] ?? '') })
    const { key } = await apiKey(before, { role: 'user' })
    const instance = { id: 'a', endpoint: 'http://127.0.0.1:1', headers: { 'x-secret': 'kept' } }
    await before.admin('POST', '/gateway/register', { template_name: 'fs', instance })
    await before.close()
    const after = await start({ stateDir, env: env(keys.toReversed().join('\n')) })
    expect((await as(after, key, 'GET', '/auth/me')).json.kind).toBe('key')
    expect((await after.get('/gateway/registry')).json.templates.fs.instances).toHaveLength(1)
    await after.close()
  })
})

describe('the first administrator', () => {
  it('comes from MCP_GATEWAY_ADMIN_PASSWORD once', async () => {
    const stateDir = (await tempDir()).path
    const env = (password: string) => ({ MCPP_STATE_DIR: stateDir, MCP_GATEWAY_ADMIN_PASSWORD: password })
    const first = await start({ stateDir, env: env(PASSWORD), flags: { auth: true } })
    const token = await loginToken(first, 'admin')
    expect((await as(first, token, 'GET', '/auth/me')).json.role).toBe('admin')
    await first.close()
    const second = await start({ stateDir, env: env('quite another password'), flags: { auth: true } })
    expect(await loginToken(second, 'admin')).toMatch(/^ey/)
    await second.close()
    const common = await startFailure({
      env: { MCPP_STATE_DIR: (await tempDir()).path, MCP_GATEWAY_ADMIN_PASSWORD: 'password1234' },
      flags: { port: 0 },
    })
    expect(common.code).toBe('ADMIN_PASSWORD')
    expect(common.message).not.toContain('password1234')
  })
})

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let n = 0; n < times; n++) results.push(await work())
  return results
}

async function readOn(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<string> {
  try {
    while ((await reader?.read())?.done === false);
    return 'ended'
  } catch {
    // A cut connection is an error to fetch.
    return 'ended'
  }
}
