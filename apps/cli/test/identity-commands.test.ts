import { readFile, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type TempDir, tempDir, waitFor } from '@mcp-platform/test-kit'
import { type FakeGateway, problem, type Routes, startFakeGateway } from './fake-gateway.js'
import { mcpp, type Run, startMcpp } from './mcpp.js'

const PASSWORD = 'hunter2 and a horse'
const user = {
  name: 'anna',
  role: 'user',
  scopes: [],
  templates: null,
  tools: null,
  disabled: false,
  created_at: '2026-01-02T03:04:05.000Z',
  updated_at: '2026-01-02T03:04:05.000Z',
}
const key = {
  id: 'abcdefghijkl',
  name: 'my-app',
  owner: 'user:anna',
  role: 'user',
  scopes: ['tools:read'],
  templates: ['search*'],
  tools: null,
  cidrs: null,
  created_at: '2026-01-02T03:04:05.000Z',
  expires_at: '2999-01-02T03:04:05.000Z',
  revoked_at: null,
  overlap_until: null,
  last_used_at: null,
}
const me = {
  id: 'user:anna',
  kind: 'user',
  name: 'anna',
  role: 'user',
  scopes: ['tools:read', 'tools:call'],
  templates: null,
  tools: null,
  owner: null,
  auth_enabled: true,
}
const KEY_TEXT = 'mcpp_abcdefghijkl_Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm8abc123'

let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

function run(url: string, args: readonly string[], input?: string): Promise<Run> {
  return mcpp(args, { env: { MCPP_URL: url, MCPP_CONFIG_DIR: home.path, MCPP_STATE_DIR: home.path }, input })
}

async function against(routes: Routes, args: readonly string[], input?: string) {
  await using gateway = await startFakeGateway(routes)
  return { ...(await run(gateway.url, args, input)), seen: gateway.seen }
}

function tokens(number: number, expiresIn = 900): Record<string, unknown> {
  const [access, refresh] = [`access-${number}-s3cret`, `refresh-${number}-s3cret`]
  return { access_token: access, token_type: 'bearer', expires_in: expiresIn, refresh_token: refresh }
}

function login({ url }: FakeGateway): Promise<Run> {
  return run(url, ['gateway', 'login', 'anna', '--password-stdin'], `${PASSWORD}\n`)
}

async function profile(): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(home.path, 'config.json'), 'utf8')).profiles.default
}

describe('gateway login', () => {
  it('keeps the tokens in the profile, for its owner and for this gateway only', async () => {
    await using gateway = await startFakeGateway({ 'POST /auth/login': tokens(1), 'GET /auth/me': me })
    await using other = await startFakeGateway({ 'GET /auth/me': me })
    const { code, stdout, stderr } = await login(gateway)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`Logged in as anna at ${gateway.url} (profile default).`)
    expect(stdout).not.toMatch(/s3cret|hunter2/)
    expect(gateway.seen[0]?.body).toEqual({ username: 'anna', password: PASSWORD })
    expect((await stat(join(home.path, 'config.json'))).mode & 0o777).toBe(0o600)
    expect(await profile()).toMatchObject({ login: { origin: gateway.url, user: 'anna' } })

    await run(gateway.url, ['gateway', 'whoami'])
    await run(other.url, ['gateway', 'whoami'])
    expect(gateway.seen[1]?.headers.authorization).toBe('Bearer access-1-s3cret')
    expect(other.seen[0]?.headers.authorization).toBeUndefined()
    expect((await run(gateway.url, ['config', 'list'])).stdout).toMatch(/login +anna +profile default/)
    expect((await run(gateway.url, ['config', 'profiles'])).stdout).toContain('login anna')
  })

  it('is renewed when it ends, and the new tokens are kept', async () => {
    const routes = { 'POST /auth/login': tokens(1, 1), 'POST /auth/refresh': tokens(2), 'GET /auth/me': me }
    await using gateway = await startFakeGateway(routes)
    await login(gateway)
    const { stdout } = await run(gateway.url, ['gateway', 'whoami', '--show-token'])
    expect(stdout).toBe('access-2-s3cret\n')
    expect(gateway.seen[1]?.body).toEqual({ refresh_token: 'refresh-1-s3cret' })
    expect(await profile()).toMatchObject({ login: { refresh_token: 'refresh-2-s3cret' } })
  })

  it('is renewed by one of several commands that run at the same time', async () => {
    let renewals = 0
    const routes = {
      'POST /auth/login': tokens(1, 1),
      'POST /auth/refresh': (response: ServerResponse) => {
        renewals++
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(tokens(renewals + 1)))
      },
      'GET /auth/me': me,
    }
    await using gateway = await startFakeGateway(routes)
    await login(gateway)
    const runs = await Promise.all([1, 2, 3].map(() => run(gateway.url, ['gateway', 'whoami'])))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(renewals).toBe(1)
  })

  it('that has ended says so with 4, then and later, until somebody logs in or out', async () => {
    const refused = problem(401, 'CREDENTIAL_INVALID', 'the credential is not valid')
    const routes = { 'POST /auth/login': tokens(1, 1), 'POST /auth/refresh': refused, 'GET /auth/me': me }
    await using gateway = await startFakeGateway(routes)
    await login(gateway)
    const first = await run(gateway.url, ['gateway', 'whoami'])
    expect(first).toMatchObject({
      code: 4,
      stderr: 'Error: The login has ended; log in again.\nTry: mcpp gateway login USER\n',
    })
    const second = await run(gateway.url, ['gateway', 'whoami'])
    expect(second).toMatchObject({
      code: 4,
      stderr: 'Error: The login of anna has ended.\nTry: mcpp gateway login anna\n',
    })
    expect((await run(gateway.url, ['gateway', 'logout'])).code).toBe(0)
    expect((await run(gateway.url, ['gateway', 'whoami'])).code).toBe(0)
  })

  it('ends with 4 for a wrong password, and keeps nothing', async () => {
    const refused = problem(401, 'LOGIN_FAILED', 'user name or password is wrong')
    await using gateway = await startFakeGateway({ 'POST /auth/login': refused })
    const { code, stderr } = await login(gateway)
    expect(code).toBe(4)
    expect(stderr).toContain('User name or password is wrong.')
    expect((await run(gateway.url, ['config', 'list'])).stdout).toMatch(/credential +- +none/)
  })

  it('says when to come again', async () => {
    const limited = problem(429, 'LOGIN_THROTTLED', 'too many failed logins', { retry_after_seconds: 8 })
    await using gateway = await startFakeGateway({ 'POST /auth/login': limited })
    const { code, stderr } = await login(gateway)
    expect(code).toBe(1)
    expect(stderr).toContain('Try again in 8 s.')
  })

  it('warns of a password among the arguments of a script, and does not repeat it', async () => {
    const args = ['gateway', 'login', 'anna', '--password', PASSWORD]
    const { code, stderr, stdout } = await against({ 'POST /auth/login': tokens(1) }, args)
    expect(code).toBe(0)
    expect(stderr).toContain('Warning: --password can be seen by others')
    expect(stdout + stderr).not.toContain(PASSWORD)
  })

  it('does not wait for a password that nobody can type', async () => {
    const { code, stderr, seen } = await against({}, ['gateway', 'login', 'anna'])
    expect({ code, seen }).toEqual({ code: 2, seen: [] })
    expect(stderr).toContain('--password-stdin')
  })
})

describe('gateway logout', () => {
  it('ends the login at the gateway and in the profile', async () => {
    const done = (response: ServerResponse) => response.writeHead(204).end()
    await using gateway = await startFakeGateway({ 'POST /auth/login': tokens(1), 'POST /auth/logout': done })
    await login(gateway)
    expect((await run(gateway.url, ['gateway', 'logout'])).code).toBe(0)
    expect(gateway.seen[1]).toMatchObject({ url: '/auth/logout', body: { refresh_token: 'refresh-1-s3cret' } })
    expect(await profile()).toEqual({})
  })

  it('forgets the tokens although the gateway is away', async () => {
    const gateway = await startFakeGateway({ 'POST /auth/login': tokens(1) })
    await login(gateway)
    await gateway[Symbol.asyncDispose]()
    const { code, stderr } = await run(gateway.url, ['gateway', 'logout'])
    expect(code).toBe(0)
    expect(stderr).toContain('the gateway could not be told')
    expect(await profile()).toEqual({})
  })
})

describe('gateway whoami', () => {
  it('says who one is, by what, and what one may', async () => {
    const { stdout } = await against({ 'GET /auth/me': me }, ['gateway', 'whoami', '--api-key', 'k'])
    expect(stdout).toMatch(/^You are +anna \(user\)$/m)
    expect(stdout).toMatch(/^By +--api-key$/m)
    expect(stdout).toMatch(/^You may +tools:read tools:call$/m)
  })

  it('has no token to show without a login', async () => {
    const { code, stdout } = await against({ 'GET /auth/me': me }, ['gateway', 'whoami', '--show-token'])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  })
})

describe('users', () => {
  it('are made with role, rights and narrowing', async () => {
    const flags = [
      '--role',
      'operator',
      '--scope',
      'registry:exec',
      '--template',
      'a*',
      '--template',
      'b',
      '--tool',
      'x',
    ]
    const args = ['gateway', 'create-user', 'anna', ...flags, '--password-stdin']
    const { code, stdout, seen } = await against({ 'POST /auth/users': user }, args, `${PASSWORD}\r\n`)
    expect(code).toBe(0)
    expect(stdout).toContain('mcpp gateway login anna')
    expect(seen[0]?.body).toEqual({
      name: 'anna',
      password: PASSWORD,
      role: 'operator',
      scopes: ['registry:exec'],
      templates: ['a*', 'b'],
      tools: ['x'],
    })
  })

  it('are refused before anything is sent when a role or a scope is none', async () => {
    const role = await against({}, ['gateway', 'create-user', 'anna', '--role', 'god', '--password', 'p'])
    expect(role).toMatchObject({ code: 2, seen: [] })
    const scope = await against({}, ['gateway', 'create-user', 'anna', '--scope', 'tool:read', '--password', 'p'])
    expect(scope).toMatchObject({ code: 2, seen: [] })
    expect(scope.stderr).toContain('did you mean tools:read?')
  })

  it('are listed', async () => {
    const list = { users: [user, { ...user, name: 'bob', disabled: true, templates: ['x*'] }], count: 2 }
    const { stdout } = await against({ 'GET /auth/users': list }, ['gateway', 'list-users'])
    expect(stdout).toMatch(/^anna +user +- +all +all +active +2026-01-02$/m)
    expect(stdout).toMatch(/^bob +user +- +x\* +all +disabled/m)
  })

  it.each([
    [['set-role', 'anna', 'operator'], 'PATCH /auth/users/anna', { role: 'operator' }],
    [['disable-user', 'anna'], 'PATCH /auth/users/anna', { disabled: true }],
    [['enable-user', 'anna'], 'PATCH /auth/users/anna', { disabled: false }],
    [['delete-user', 'anna'], 'DELETE /auth/users/anna', undefined],
  ])('are changed by %j', async (args, route, body) => {
    const { code, seen } = await against({ [route]: user }, ['gateway', ...args])
    expect(code).toBe(0)
    expect(seen).toMatchObject([{ method: route.split(' ')[0], url: '/auth/users/anna' }])
    expect(seen[0]?.body).toEqual(body)
  })

  it('get a password from an administrator', async () => {
    const done = (response: ServerResponse) => response.writeHead(204).end()
    const routes = { 'GET /auth/me': { ...me, name: 'admin' }, 'POST /auth/password': done }
    const { code, seen } = await against(
      routes,
      ['gateway', 'set-password', 'anna', '--password-stdin'],
      'new one 123\n',
    )
    expect(code).toBe(0)
    expect(seen[1]?.body).toEqual({ username: 'anna', new_password: 'new one 123' })
  })

  it('change their own password and stay logged in', async () => {
    const done = (response: ServerResponse) => response.writeHead(204).end()
    await using gateway = await startFakeGateway({
      'POST /auth/login': tokens(1),
      'GET /auth/me': me,
      'POST /auth/password': done,
    })
    await login(gateway)
    const changed = await run(
      gateway.url,
      ['gateway', 'set-password', '--password-stdin'],
      `${PASSWORD}\nnew one 123\n`,
    )
    expect(changed).toMatchObject({ code: 0, stderr: '' })
    const bodies = gateway.seen.filter(({ method }) => method === 'POST').map(({ body }) => body)
    expect(bodies.slice(1)).toEqual([
      { current_password: PASSWORD, new_password: 'new one 123' },
      { username: 'anna', password: 'new one 123' },
    ])
  })
})

describe('API keys', () => {
  it('are printed once, on a line of their own', async () => {
    const flags = [
      '--scope',
      'tools:read',
      '--template',
      's*',
      '--tool',
      't',
      '--expires',
      '30d',
      '--cidr',
      '10.0.0.0/8',
    ]
    const args = ['gateway', 'create-api-key', 'my-app', ...flags]
    const { code, stdout, seen } = await against({ 'POST /auth/api-keys': { api_key: KEY_TEXT, key } }, args)
    expect(code).toBe(0)
    expect(stdout.split('\n')).toContain(KEY_TEXT)
    expect(stdout).toContain('This is the only time that it is shown')
    expect(seen[0]?.body).toEqual({
      name: 'my-app',
      scopes: ['tools:read'],
      templates: ['s*'],
      tools: ['t'],
      cidrs: ['10.0.0.0/8'],
      expires_in: 30 * 86_400,
    })
  })

  it.each([
    ['never', 'never'],
    ['12h', 43_200],
    ['1.5h', 5_400],
    ['2w', 1_209_600],
  ])('expire as they are told: %s', async (text, seconds) => {
    const args = ['gateway', 'create-api-key', 'a', '--role', 'user', '--expires', text]
    const { seen } = await against({ 'POST /auth/api-keys': { api_key: KEY_TEXT, key } }, args)
    expect(seen[0]?.body).toEqual({ name: 'a', role: 'user', expires_in: seconds })
  })

  it.each([['soon'], ['2001-01-01'], ['0d'], ['90']])('do not expire %s', async (text) => {
    const { code, stderr, seen } = await against({}, ['gateway', 'create-api-key', 'a', '--expires', text])
    expect({ code, seen }).toEqual({ code: 2, seen: [] })
    expect(stderr).toContain('--expires expects')
  })

  it('are listed without the revoked ones', async () => {
    const list = { api_keys: [key, { ...key, id: 'zzz', revoked_at: '2026-02-01T00:00:00.000Z' }], count: 2 }
    const { stdout } = await against({ 'GET /auth/api-keys': list }, ['gateway', 'list-api-keys'])
    expect(stdout).toMatch(/^abcdefghijkl +my-app +user:anna +user +search\* +active +2999-01-02 +-?$/m)
    expect(stdout).not.toContain('zzz')
    const all = await against({ 'GET /auth/api-keys': list }, ['gateway', 'list-api-keys', '--all'])
    expect(all.stdout).toMatch(/^zzz .* revoked/m)
  })

  it('are rotated, with the time that the one before still holds', async () => {
    const rotated = { api_key: KEY_TEXT, key: { ...key, overlap_until: '2998-01-01T00:00:00.000Z' } }
    const route = 'POST /auth/api-keys/abcdefghijkl/rotate'
    const { stdout, seen } = await against({ [route]: rotated }, [
      'gateway',
      'rotate-api-key',
      key.id,
      '--overlap',
      '1h',
    ])
    expect(seen[0]?.body).toEqual({ overlap: 3_600 })
    expect(stdout).toContain('The key before holds until 2998-01-01')
  })

  it('are revoked by id, or by a whole key whose secret goes nowhere', async () => {
    const done = (response: ServerResponse) => response.writeHead(204).end()
    const route = 'DELETE /auth/api-keys/abcdefghijkl'
    for (const given of [key.id, KEY_TEXT]) {
      const { code, seen, stdout } = await against({ [route]: done }, ['gateway', 'revoke-api-key', given])
      expect(code).toBe(0)
      expect(seen[0]?.url).toBe('/auth/api-keys/abcdefghijkl')
      expect(stdout).toBe('Revoked abcdefghijkl.\n')
    }
  })
})

describe('gateway audit', () => {
  const event = {
    id: 'e1',
    at: '2026-01-02T03:04:05.000Z',
    actor: 'user:anna',
    action: 'login',
    outcome: 'denied',
    target: null,
    request_id: 'r',
    address: '10.0.0.1',
    count: 3,
    details: {},
  }

  it('asks for what the flags say', async () => {
    const flags = [
      '--since',
      '2026-01-01T00:00:00Z',
      '--user',
      'anna',
      '--action',
      'login',
      '--outcome',
      'denied',
      '-n',
      '5',
    ]
    const { stdout, seen } = await against({ 'GET /auth/audit': { events: [event], next_cursor: null } }, [
      'gateway',
      'audit',
      ...flags,
    ])
    expect(Object.fromEntries(new URL(seen[0]?.url ?? '', 'http://g').searchParams)).toEqual({
      since: '2026-01-01T00:00:00.000Z',
      actor: 'anna',
      action: 'login',
      outcome: 'denied',
      limit: '5',
    })
    expect(stdout).toMatch(/user:anna +login \(3x\) +denied +- +10\.0\.0\.1$/m)
  })

  it('goes on with what is added until it is interrupted', async () => {
    let asked = 0
    const answer = (response: ServerResponse) => {
      asked++
      const first = { ...event, at: new Date().toISOString() }
      const events = asked === 1 ? [first] : [{ ...first, id: 'e2', action: 'user.create' }, first]
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ events, next_cursor: null }))
    }
    await using gateway = await startFakeGateway({ 'GET /auth/audit': answer })
    const env = { MCPP_URL: gateway.url, MCPP_CONFIG_DIR: home.path, MCPP_STATE_DIR: home.path }
    const { child, ended, stdout } = startMcpp(['gateway', 'audit', '--follow'], { env })
    await waitFor(() => stdout().includes('user.create'), { what: 'the second event did not come' })
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    expect(stdout().match(/ login denied/g)).toHaveLength(1)
  })

  it('ends with 1 when the trail was changed, and names the first bad record', async () => {
    const good = {
      trail: 'database',
      covers: 'all_nodes',
      covered_node: null,
      ok: true,
      records: 7,
      unverifiable: 0,
      fault: null,
      node: null,
      seq: null,
      id: null,
    }
    const calls = { ...good, trail: 'calls', covers: 'this_node', covered_node: 'n1' }
    const bad = { ...calls, ok: false, fault: 'edited', node: 'n1', seq: 4, id: 'x9' }
    const route = 'GET /auth/audit/verify'
    const whole = await against({ [route]: { ok: true, trails: [good, calls] } }, ['gateway', 'audit', '--verify'])
    expect(whole.code).toBe(0)
    expect(whole.stdout).toContain('Tool calls are those of the node n1; other nodes check theirs')
    const changed = await against({ [route]: { ok: false, trails: [good, bad] } }, ['gateway', 'audit', '--verify'])
    expect(changed.code).toBe(1)
    expect(changed.stdout).toContain('edited: record 4 of node n1 (x9)')
  })
})
