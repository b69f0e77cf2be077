import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { get } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer, tempDir, waitFor } from '@mcp-platform/test-kit'
import { GatewayStartError, startGateway } from '../src/index.js'
import { send, start } from './helpers.js'

async function startFailure(options: Parameters<typeof startGateway>[0]): Promise<GatewayStartError> {
  try {
    await (await startGateway({ logSink: { write: () => undefined }, ...options })).close()
  } catch (error) {
    if (error instanceof GatewayStartError) return error
    throw error
  }
  throw new Error('the gateway started')
}

describe('a gateway', () => {
  let server: FaultServer

  beforeAll(async () => {
    server = await startFaultServer()
  })
  afterAll(() => server.stop())

  it('announces itself in the state folder while it runs', async () => {
    const gateway = await start()
    const state = JSON.parse(await readFile(join(gateway.stateDir, 'gateway.json'), 'utf8'))
    expect(state).toMatchObject({ url: gateway.url, pid: process.pid, admin_token_file: gateway.adminTokenFile })
    expect((await stat(gateway.adminTokenFile)).mode & 0o777).toBe(0o600)
    await gateway.close()
    await gateway.closed
    const left = await readdir(gateway.stateDir)
    expect(left.filter((name) => !/^(gateway\.db|snapshot|identity-snapshot|audit|master-key)/.test(name))).toEqual([])
    await expect(fetch(`${gateway.url}/health/live`)).rejects.toThrow()
  })

  it('keeps registry, settings and weights over a restart', async () => {
    const stateDir = (await tempDir()).path
    const first = await start({ stateDir })
    const body = {
      template_name: 'fs',
      instance: { id: 'fs-1', endpoint: server.url, weight: 3, headers: { 'x-key': 's3cret' } },
      load_balancer: { strategy: 'weighted' },
    }
    expect((await first.admin('POST', '/gateway/register', body)).status).toBe(201)
    expect((await first.admin('PATCH', '/gateway/templates/fs/instances/fs-1', { weight: 5 })).status).toBe(200)
    await first.close()
    const second = await start({ stateDir })
    const { json } = await second.get('/gateway/registry')
    expect(json.templates.fs.load_balancer.strategy).toBe('weighted')
    expect(json.templates.fs.instances).toMatchObject([
      { id: 'fs-1', weight: 5, declared_weight: 3, override: { weight: 5 }, headers: { 'x-key': { has_value: true } } },
    ])
    expect(JSON.stringify(json)).not.toContain('s3cret')
    await second.close()
  })

  it('starts, and serves the others, when an instance has an address that is not allowed', async () => {
    const stateDir = (await tempDir()).path
    const first = await start({ stateDir, flags: { 'allowed-upstream': '10.0.0.0/8' } })
    const register = (id: string, endpoint: string) =>
      first.admin('POST', '/gateway/register', { template_name: 'mixed', instance: { id, endpoint } })
    expect((await register('near', server.url)).status).toBe(201)
    expect((await register('inside', 'http://10.9.8.7/mcp')).status).toBe(201)
    await first.close()
    const second = await start({ stateDir })
    const health = () => second.get('/mcp/mixed/health')
    await waitFor(async () => JSON.stringify(await health()).includes('refused'))
    const { near, inside } = (await health()).json.instances
    expect(near).toMatchObject({ healthy: true })
    expect(inside).toMatchObject({ healthy: false, reason: 'upstream: address refused (private)' })
    await second.close()
  })

  it('says which port is taken and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const stateDir = (await tempDir()).path
    const error = await startFailure({ env: { MCPP_STATE_DIR: stateDir }, flags: { port } })
    expect(error.code).toBe('ADDRESS_IN_USE')
    expect(error.message).toBe(
      `port ${port} on 127.0.0.1 is taken by another program; stop it, or choose another port with --port (0 takes a free one)`,
    )
    other.close()
    const again = await start({ stateDir })
    await again.close()
  })

  it('says that another gateway runs on the state folder', async () => {
    const gateway = await start()
    const error = await startFailure({ env: { MCPP_STATE_DIR: gateway.stateDir }, flags: { port: 0 } })
    expect(error.code).toBe('ALREADY_RUNNING')
    expect(error.message).toContain(`already runs at ${gateway.url} on the state folder ${gateway.stateDir}`)
    await gateway.close()
  })

  it('says that a database does not answer, without its password', async () => {
    const env = { MCPP_STATE_DIR: (await tempDir()).path, MCP_GATEWAY_MASTER_KEY: 'ab'.repeat(32) }
    const error = await startFailure({ env, flags: { port: 0, database: 'postgresql://u:s3cret@127.0.0.1:1/gateway' } })
    expect(error.code).toBe('DATABASE_UNREACHABLE')
    expect(error.message).toMatch(
      /^the database postgresql:\/\/u:\*\*\*@127\.0\.0\.1:1\/gateway does not answer \(.*ECONNREFUSED.*\); start it, or choose another with --database$/,
    )
  })

  it('refuses an old schema with --no-migrate, and a file that is no database', async () => {
    const env = { MCPP_STATE_DIR: (await tempDir()).path }
    const old = await startFailure({ env, flags: { port: 0, migrate: false } })
    expect(old.code).toBe('SCHEMA_OUTDATED')
    expect(old.message).toContain('mcpp gateway db migrate')
    const none = await startFailure({ env, flags: { port: 0, database: 'sqlite:///dev/null/gateway.db' } })
    expect(none.code).toBe('DATABASE_UNREACHABLE')
  })

  it('is ready while it serves and live always', async () => {
    const gateway = await start()
    expect((await gateway.get('/health/live')).json).toEqual({ status: 'ok' })
    expect((await gateway.get('/health/ready')).json).toEqual({ status: 'ok' })
    await gateway.close()
  })

  it('turns not ready first, serves on, and skips ahead at the second close', async () => {
    const gateway = await start({ flags: { 'drain-delay': 600 } })
    const closing = gateway.close()
    const ready = await gateway.get('/health/ready')
    expect(ready.status).toBe(503)
    expect(ready.json).toEqual({ status: 'unavailable', reason: 'the gateway is shutting down' })
    expect((await gateway.get('/gateway/registry')).status).toBe(200)
    await gateway.close()
    await closing
  })

  it('stops when the signal aborts', async () => {
    const stop = new AbortController()
    const gateway = await start({ signal: stop.signal })
    stop.abort()
    await gateway.closed
    await expect(fetch(gateway.url)).rejects.toThrow()
  })

  it('lets a call under way end before it stops', async () => {
    const gateway = await start()
    await gateway.admin('POST', '/gateway/register?probe=true', {
      template_name: 'fs',
      instance: { endpoint: server.url },
    })
    const call = send(`${gateway.url}/mcp/fs/tools/call`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'slow', arguments: { ms: 500 } }),
    })
    await waitFor(() => server.requestsFor('tools/call').length === 1, { what: 'the call did not come' })
    await gateway.close()
    expect((await call).status).toBe(200)
  })

  it('serves TLS, and says when certificate and key cannot be used', async () => {
    const folder = (await tempDir()).path
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const subject = [
      '-subj',
      '/CN=localhost',
      '-days',
      '1',
      '-nodes',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
    ]
    await promisify(execFile)('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert])
    const gateway = await start({ flags: { 'tls-cert': cert, 'tls-key': key } })
    expect(gateway.url).toMatch(/^https:/)
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    const request = get(`${gateway.url}/health/live`, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode))
    })
    request.once('error', reject)
    expect(await promise).toBe(200)
    await gateway.close()
    for (const flags of [
      { 'tls-cert': key, 'tls-key': cert },
      { 'tls-cert': '/nowhere', 'tls-key': key },
    ]) {
      const error = await startFailure({ env: { MCPP_STATE_DIR: folder }, flags: { port: 0, ...flags } })
      expect([error.code, error.message]).toEqual([
        'TLS_FILES',
        expect.stringContaining('check --tls-cert and --tls-key'),
      ])
    }
  })

  it('serves management on an address of its own', async () => {
    const gateway = await start({ flags: { 'admin-listen': '127.0.0.1:0' } })
    expect(gateway.adminUrl).not.toBe(gateway.url)
    expect((await send(`${gateway.adminUrl}/gateway/health`)).status).toBe(200)
    expect((await send(`${gateway.adminUrl}/mcp/fs/health`)).status).toBe(404)
    expect((await send(`${gateway.url}/gateway/health`)).status).toBe(404)
    expect((await send(`${gateway.url}/health/live`)).status).toBe(200)
    const state = JSON.parse(await readFile(join(gateway.stateDir, 'gateway.json'), 'utf8'))
    expect(state.admin_url).toBe(gateway.adminUrl)
    await gateway.close()
  })
})
