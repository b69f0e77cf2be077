import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { everythingStdio, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { backupDatabase } from '../../src/database/admin.js'
import type { TestGateway } from '../helpers.js'
import { apiKey, as, PASSWORD, startSecured, userToken } from './support.js'

const HEADER_CANARY = 'canary-upstream-header-7731'
const ENV_CANARY = 'canary-child-environment-7732'
const ARGUMENT_CANARY = 'canary-argument-of-a-call-7733'
const SECRET_CANARY = 'canary-secret-by-its-name-7735'
const WRONG_PASSWORD = 'canary-wrong-password-7734'
const PROFILE_CANARY = 'canary-environment-of-a-profile-7735'
const PASSPHRASE = 'canary-passphrase-of-a-backup-7736'
const TLS_CANARY = 'Y2FuYXJ5LXByaXZhdGUta2V5LTc3Mzc='
const BAD_HEADER = 'canary-value-of-a-refused-header-7738'

describe('secrets', () => {
  it('appear in no log, answer, event, audit record, environment or argument of a child, backup or file of the state folder', async () => {
    const server = await startFaultServer()
    const master = 'c4'.repeat(32)
    const aside = await folder()
    const profiles = join(aside, 'profiles.json')
    const { command, args } = everythingStdio()
    const profile = { command, args, env: { SECRET_OF_PROFILE: PROFILE_CANARY } }
    await writeFile(profiles, JSON.stringify({ profiles: { everything: profile } }))
    const gateway = await startSecured(
      { 'launch-profiles': profiles },
      { env: { MCPP_STATE_DIR: await folder(), MCP_GATEWAY_MASTER_KEY: master } },
    )
    const texts: string[] = []
    const keep = async (answer: Promise<{ text: string; headers: Headers }>): Promise<void> => {
      const { text, headers } = await answer
      texts.push(text, JSON.stringify([...headers]))
    }
    const http = { id: 'a', endpoint: server.url, headers: { 'x-secret': HEADER_CANARY } }
    const stdio = { id: 's', command, args, env: { SECRET_OF_CHILD: ENV_CANARY } }
    const named = { template_name: 'named', instance: { id: 'p', profile: 'everything' } }
    const pem = (what: string) => `-----BEGIN ${what}-----\n${TLS_CANARY}\n-----END ${what}-----\n`
    const tls = { cert: pem('CERTIFICATE'), key: pem('PRIVATE KEY') }
    const locked = { id: 't', endpoint: 'https://127.0.0.1:9/mcp', tls }
    await keep(gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance: http }))
    await keep(gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'std', instance: stdio }))
    const events = await eventStream(gateway)
    await keep(gateway.admin('POST', '/gateway/register?probe=true', named))
    await keep(gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'tls', instance: locked }))
    const refused = { id: 'b', endpoint: server.url, headers: { 'x-bad': `${BAD_HEADER}\n` }, env: { A: BAD_HEADER } }
    await keep(gateway.admin('POST', '/gateway/register', { template_name: 'fs', instance: refused }))
    const document = { templates: { fs: { instances: [refused] } } }
    await keep(gateway.admin('POST', '/gateway/import', document))
    await keep(gateway.admin('PATCH', '/gateway/templates/fs', { audit: 'calls' }))
    const token = await userToken(gateway, 'anna', { role: 'admin' })
    const { key } = await apiKey(gateway, { role: 'user' })
    const login = await as(gateway, undefined, 'POST', '/auth/login', { username: 'anna', password: PASSWORD })
    await keep(as(gateway, undefined, 'POST', '/auth/login', { username: 'nobody', password: WRONG_PASSWORD }))
    for (const path of [
      '/gateway/registry',
      '/gateway/export',
      '/gateway/stats',
      '/gateway/templates',
      '/auth/users',
      '/gateway/explain?template=fs',
      '/gateway/templates/named',
      '/mcp/tls/health',
      '/metrics',
      '/openapi.json',
    ]) {
      await keep(as(gateway, token, 'GET', path))
    }
    await keep(as(gateway, key, 'GET', '/auth/api-keys'))
    await keep(as(gateway, `${key}x`, 'GET', '/auth/me'))
    await keep(as(gateway, `${token}x`, 'GET', '/auth/me'))
    const call = { name: 'echo', arguments: { message: ARGUMENT_CANARY } }
    const called = await as(gateway, key, 'POST', '/mcp/fs/tools/call', call)
    expect(called.status).toBe(200)
    await keep(as(gateway, token, 'GET', '/auth/audit?limit=1000'))
    await keep(as(gateway, token, 'GET', '/auth/audit/verify'))
    const seen = server.requestsFor('tools/call')[0]
    // The upstream got its own credential, and none of ours.
    expect(JSON.stringify(seen)).toContain(HEADER_CANARY)
    const environments = await childEnvironments()
    for (const canary of [ENV_CANARY, PROFILE_CANARY]) {
      expect(environments.filter((text) => text.includes(canary))).not.toEqual([])
    }
    // One child does not see what another one was given.
    expect(environments.filter((text) => text.includes(ENV_CANARY) && text.includes(PROFILE_CANARY))).toEqual([])
    texts.push(...(await commandLines()), await events.end())
    expect(texts.at(-1)).toContain('registry_changed')
    for (const secret of [key, token, gateway.adminToken]) expect(JSON.stringify(server.requests)).not.toContain(secret)

    await gateway.close()
    await server.stop()
    const database = { env: {}, flags: { database: `sqlite://${join(gateway.stateDir, 'gateway.db')}` } }
    const backups = join(aside, 'backups')
    await mkdir(backups)
    await backupDatabase(database, { file: join(backups, 'open'), version: '1' })
    await backupDatabase(database, { file: join(backups, 'sealed'), version: '1', passphrase: PASSPHRASE })
    const files = [...(await filesOf(gateway.stateDir)), ...(await filesOf(backups))]
    const secrets = {
      key,
      token,
      password: PASSWORD,
      refresh: login.json.refresh_token,
      admin: gateway.adminToken,
      master,
      masterBase64: Buffer.from(master, 'hex').toString('base64url'),
      HEADER_CANARY,
      ENV_CANARY,
      ARGUMENT_CANARY,
      WRONG_PASSWORD,
      PROFILE_CANARY,
      PASSPHRASE,
      TLS_CANARY,
      BAD_HEADER,
    }
    for (const [name, secret] of Object.entries(secrets)) {
      expect([name, gateway.logs.filter((line) => line.includes(secret))]).toEqual([name, []])
      expect([name, texts.filter((text) => text.includes(secret))]).toEqual([name, []])
      expect([name, files.filter(({ bytes }) => bytes.includes(secret)).map(({ path }) => path)]).toEqual([name, []])
      if (name === 'ENV_CANARY' || name === 'PROFILE_CANARY') continue
      expect([name, environments.filter((text) => text.includes(secret)).length]).toEqual([name, 0])
    }
    expect(gateway.logs.length).toBeGreaterThan(10)
    const paths = files.map(({ path }) => path).join()
    for (const file of ['gateway.db', 'audit/', '/snapshot', 'identity-snapshot', 'backups/open', 'backups/sealed']) {
      expect(paths).toContain(file)
    }
  })
})

describe('the audit trails', () => {
  it('hold who did what, refusals once a minute with a count, and the calls that a template wants', async () => {
    const server = await startFaultServer()
    const gateway = await startSecured()
    const instance = { id: 'a', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    await gateway.admin('PATCH', '/gateway/templates/fs', { audit: 'calls' })
    const { key, id } = await apiKey(gateway, { role: 'user' })
    for (let n = 0; n < 3; n++) {
      await as(gateway, key, 'POST', '/mcp/fs/tools/call', { name: 'echo', arguments: { n } })
      await as(gateway, key, 'POST', '/auth/users', { name: 'x' })
    }
    const audit = async (query: string) => (await gateway.admin('GET', `/auth/audit?${query}`)).json
    const [made] = (await audit('action=key.create')).events
    expect(made).toMatchObject({ actor: 'local-admin', outcome: 'success', target: `key:${id}`, address: '127.0.0.1' })
    expect(made.request_id).toMatch(/^[0-9a-f-]{36}$/)
    const page = await audit('limit=2')
    const next = await audit(`limit=2&cursor=${page.next_cursor}`)
    expect(next.events[0].id < page.events[1].id).toBe(true)
    const verified = (await gateway.admin('GET', '/auth/audit/verify')).json
    const node = (await readFile(join(gateway.stateDir, 'audit-node'), 'utf8')).trim()
    expect(verified).toMatchObject({
      ok: true,
      trails: [
        { trail: 'database', covers: 'all_nodes', covered_node: null },
        { trail: 'calls', records: 3, covers: 'this_node', covered_node: node },
      ],
    })
    await gateway.close()

    const [segment] = (await filesOf(gateway.stateDir)).filter(
      ({ path }) => path.includes('/calls/') && path.endsWith('.jsonl'),
    )
    const calls =
      segment?.bytes
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)) ?? []
    expect(calls[0]).toMatchObject({
      actor: `key:${id}`,
      action: 'tools/call',
      target: 'fs/echo',
      address: '127.0.0.1',
    })
    expect(calls[0].details).not.toHaveProperty('arguments')
    expect(new Set(calls.map(({ details }) => details.arguments_mac)).size).toBe(3)
    const again = await startSecured({}, { env: { MCPP_STATE_DIR: gateway.stateDir } })
    const denied = (await again.admin('GET', '/auth/audit?outcome=denied')).json.events
    const refusal = denied.find(({ actor }: { actor: string }) => actor === `key:${id}`)
    expect(refusal).toMatchObject({ action: 'POST /auth/users', count: 3 })
    await again.close()
    await server.stop()
  })

  it('hold what a call was called with where the template wants it, on either face, with secrets hidden', async () => {
    const server = await startFaultServer()
    const gateway = await startSecured()
    const instance = { id: 'a', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    expect((await gateway.admin('PATCH', '/gateway/templates/fs', { audit: 'calls_with_arguments' })).status).toBe(200)
    const { key } = await apiKey(gateway, { role: 'user' })
    const args = {
      path: '/etc/hosts',
      n: 1,
      nested: { apiKey: SECRET_CANARY, list: [{ Password: SECRET_CANARY }, null] },
    }
    await as(gateway, key, 'POST', '/mcp/fs/tools/call', { name: 'echo', arguments: args })
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } }
    const opened = await as(gateway, key, 'POST', '/mcp/fs', {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: hello,
    })
    const session = opened.headers.get('mcp-session-id') ?? ''
    await as(gateway, key, 'POST', '/mcp/fs/tools/call', { name: 'echo', arguments: { blob: 'x'.repeat(20_000) } })
    const verified = (await gateway.admin('GET', '/auth/audit/verify')).json
    expect(verified.ok).toBe(true)
    const refused = await as(
      gateway,
      (await apiKey(gateway, { scopes: ['metrics:read'] })).key,
      'GET',
      '/mcp/fs/tools/list',
    )
    expect(refused.status).toBe(403)
    const thief = (await apiKey(gateway, { role: 'user' })).key
    const stolen = { 'x-api-key': thief, 'mcp-session-id': session, accept: 'text/event-stream' }
    expect((await gateway.get('/mcp/fs', stolen)).status).toBe(404)
    await gateway.close()
    await server.stop()
    const text = (await filesOf(gateway.stateDir))
      .filter(({ path }) => path.includes('/calls/') && path.endsWith('.jsonl'))
      .map(({ bytes }) => bytes.toString())
      .join('')
    const records = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const [first, , large] = records.filter(({ action }) => action === 'tools/call' || action === 'initialize')
    expect(first).toMatchObject({
      address: '127.0.0.1',
      details: {
        face: 'rest',
        arguments: { path: '/etc/hosts', n: 1, nested: { apiKey: '***', list: [{ Password: '***' }, null] } },
      },
    })
    expect(large.details.arguments).toBeNull()
    expect(large.details.arguments_bytes).toBeGreaterThan(20_000)
    expect(records.every(({ address }) => address === '127.0.0.1')).toBe(true)
    expect(text).not.toContain(SECRET_CANARY)
    const again = await startSecured({}, { env: { MCPP_STATE_DIR: gateway.stateDir } })
    const denied = (await again.admin('GET', '/auth/audit?outcome=denied')).json.events
    expect(denied.find(({ target }: { target: string }) => target === 'fs')).toMatchObject({ address: '127.0.0.1' })
    expect(denied.find(({ action }: { action: string }) => action === 'session')).toMatchObject({
      target: 'fs',
      address: '127.0.0.1',
      details: { reason: 'foreign-session' },
    })
    await again.close()
  })
})

async function folder(): Promise<string> {
  const { tempDir } = await import('@mcp-platform/test-kit')
  return (await tempDir()).path
}

/** Follows `/gateway/events`; `end` gives all that was told. */
async function eventStream(gateway: TestGateway): Promise<{ end(): Promise<string> }> {
  const stop = new AbortController()
  const headers = { authorization: `Bearer ${gateway.adminToken}` }
  const response = await fetch(`${gateway.url}/gateway/events`, { headers, signal: stop.signal })
  let told = ''
  const reading = (async () => {
    for await (const chunk of response.body ?? []) told += Buffer.from(chunk).toString('utf8')
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return {
    end: async () => {
      await waitFor(() => told.includes('registry_changed'), { what: 'a change was told' })
      stop.abort()
      await reading
      return told
    },
  }
}

async function filesOf(stateDir: string): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(stateDir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name)
      return { path, bytes: await readFile(path) }
    }),
  )
}

/** The environments of the processes that this one has started. */
async function childEnvironments(): Promise<string[]> {
  return readOfChildren('environ')
}

/** What everybody on this machine may see of them, and of this process. */
async function commandLines(): Promise<string[]> {
  return [...(await readOfChildren('cmdline')), await readFile('/proc/self/cmdline', 'latin1')]
}

async function readOfChildren(file: 'environ' | 'cmdline'): Promise<string[]> {
  const pids = await waitFor(async () => {
    const found = (await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')).trim()
    return found === '' ? false : found.split(' ')
  })
  const read = pids.map((pid) => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => ''))
  return Promise.all(read)
}
