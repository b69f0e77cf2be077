import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { everythingStdio, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { apiKey, as, PASSWORD, startSecured, userToken } from './support.js'

const HEADER_CANARY = 'canary-upstream-header-7731'
const ENV_CANARY = 'canary-child-environment-7732'
const ARGUMENT_CANARY = 'canary-argument-of-a-call-7733'
const SECRET_CANARY = 'canary-secret-by-its-name-7735'
const WRONG_PASSWORD = 'canary-wrong-password-7734'

describe('secrets', () => {
  it('appear in no log, answer, audit record, child environment or file of the state folder', async () => {
    const server = await startFaultServer()
    const master = 'c4'.repeat(32)
    const gateway = await startSecured({}, { env: { MCPP_STATE_DIR: await folder(), MCP_GATEWAY_MASTER_KEY: master } })
    const texts: string[] = []
    const keep = async (answer: Promise<{ text: string; headers: Headers }>): Promise<void> => {
      const { text, headers } = await answer
      texts.push(text, JSON.stringify([...headers]))
    }
    const http = { id: 'a', endpoint: server.url, headers: { 'x-secret': HEADER_CANARY } }
    const { command, args } = everythingStdio()
    const stdio = { id: 's', command, args, env: { SECRET_OF_CHILD: ENV_CANARY } }
    await keep(gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance: http }))
    await keep(gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'std', instance: stdio }))
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
    expect(environments.some((text) => text.includes(ENV_CANARY))).toBe(true)
    for (const secret of [key, token, gateway.adminToken]) expect(JSON.stringify(server.requests)).not.toContain(secret)

    await gateway.close()
    await server.stop()
    const files = await filesOf(gateway.stateDir)
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
    }
    for (const [name, secret] of Object.entries(secrets)) {
      expect([name, gateway.logs.filter((line) => line.includes(secret))]).toEqual([name, []])
      expect([name, texts.filter((text) => text.includes(secret))]).toEqual([name, []])
      expect([name, files.filter(({ bytes }) => bytes.includes(secret)).map(({ path }) => path)]).toEqual([name, []])
      if (name === 'ENV_CANARY') continue
      expect([name, environments.filter((text) => text.includes(secret)).length]).toEqual([name, 0])
    }
    expect(gateway.logs.length).toBeGreaterThan(10)
    expect(files.map(({ path }) => path).join()).toMatch(/gateway\.db.*audit|audit.*gateway\.db/s)
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
  const pids = await waitFor(async () => {
    const found = (await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')).trim()
    return found === '' ? false : found.split(' ')
  })
  const read = pids.map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''))
  return Promise.all(read)
}
