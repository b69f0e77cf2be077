import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import {
  everythingStdio,
  type FaultServer,
  freePort,
  pidAlive,
  startFaultServer,
  tempDir,
  waitFor,
} from '@mcp-platform/test-kit'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { Cluster, launchGateway } from './support.js'

const MODERN = '2026-07-28'
const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')

let server: FaultServer
beforeAll(async () => {
  server = await startFaultServer()
})
afterAll(() => server.stop())

async function connected(cluster: Cluster, template: string, capabilities = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  const transport = new StreamableHTTPClientTransport(new URL(`${cluster.url}/mcp/${template}`))
  // exactOptionalPropertyTypes and the SDK's own types disagree about sessionId.
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}

// Workers hear of a new instance within a second, not at once.
async function servedByBoth(cluster: Cluster, template: string): Promise<void> {
  const lists = async (): Promise<boolean> => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => cluster.send('GET', `/mcp/${template}/tools/list`)),
    )
    return answers.every(({ status }) => status === 200)
  }
  await waitFor(lists, { what: `${template} is not served by both workers` })
}

describe('a gateway with two workers', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
    await cluster.register('http', { id: 'one', endpoint: server.url })
    const { command, args } = everythingStdio()
    await cluster.register(
      'stdio',
      { id: 'one', command, args },
      { load_balancer: { queue_size: 1_000, queue_timeout: 60 } },
    )
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  it('spreads calls over both, and its statistics are the sum', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => cluster.call('http', 'echo', { n })))
    expect(answers.map(({ json }) => json.structuredContent?.n)).toEqual(Array.from({ length: 40 }, (_, n) => n))
    expect((await cluster.answeredByBoth('http')).sort()).toEqual(cluster.workers().sort())
    const { json } = await cluster.send('GET', '/gateway/stats')
    expect(json.templates.http.requests).toBe(40)
    expect(json.gateway.requests_total).toBe(40)
    expect(json.templates.http.latency_ms.p50).toBeGreaterThan(0)
    expect(json.load_balancer.requests_per_instance['http/one']).toBeGreaterThanOrEqual(40)
  })

  it('answers management and health from either worker', async () => {
    for (let n = 0; n < 4; n++) {
      expect((await cluster.send('GET', '/health/ready')).json).toEqual({ status: 'ok' })
      const { json } = await cluster.send('GET', '/mcp/http/health')
      expect(json).toMatchObject({ status: 'healthy', instances: { one: { healthy: true, circuit: 'closed' } } })
      expect(json.instances.one.last_health_check).not.toBeNull()
      const refused = await cluster.send('POST', '/gateway/register', { template_name: 'x', instance: {} })
      expect(refused.status).toBe(401)
    }
  })

  it('shows registrations and removals in both', async () => {
    await cluster.register('late', { id: 'one', endpoint: server.url })
    const statuses = async (): Promise<number[]> => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => cluster.call('late', 'echo')))
      return answers.map(({ status }) => status)
    }
    await waitFor(async () => (await statuses()).every((status) => status === 200))
    expect((await cluster.admin('DELETE', '/gateway/deregister/late/one')).status).toBe(200)
    await waitFor(async () => (await statuses()).every((status) => status === 404))
  })

  it('counts calls of the workers when an instance is deregistered, and cuts them when forced', async () => {
    await cluster.register('busy', { id: 'one', endpoint: server.url })
    await servedByBoth(cluster, 'busy')
    const call = cluster.call('busy', 'slow', { ms: 120_000 })
    await waitFor(
      async () => (await cluster.send('GET', '/gateway/stats')).json.templates.busy.instances.one.in_flight === 1,
      { what: 'the call is not in flight' },
    )
    const removed = await cluster.admin('DELETE', '/gateway/deregister/busy/one?force=true')
    expect(removed).toMatchObject({ status: 200 })
    expect((await call).json).toMatchObject({ executed: 'unknown' })
  })

  it('reaches one child from every worker, two hundred calls at once, each answered to its own caller', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => cluster.call('stdio', 'echo', { message: `m${n}` })),
    )
    expect(answers.map(({ json }) => json.content?.[0]?.text)).toEqual(
      Array.from({ length: 200 }, (_, n) => `Echo: m${n}`),
    )
    await cluster.answeredByBoth('stdio')
    expect(cluster.servers()).toHaveLength(1)
  })

  it('serves a session of a 2025 client over both', async () => {
    const client = await connected(cluster, 'stdio')
    expect((await client.listTools()).tools.length).toBeGreaterThan(5)
    const echoes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => client.callTool({ name: 'echo', arguments: { message: `s${n}` } })),
    )
    expect(echoes.map(({ content }) => (content as { text: string }[])[0]?.text)).toEqual(
      Array.from({ length: 20 }, (_, n) => `Echo: s${n}`),
    )
    // The SDK's client drops progress that it reads together with the result: of several calls it hears something.
    const operation = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } }
    let heard = 0
    await waitFor(async () => {
      await client.callTool(operation, undefined, { onprogress: () => void heard++ })
      return heard > 0
    })
    await client.close()
  })

  it('lets a server ask a 2025 client back through either worker', async () => {
    const asking = await serveHttp({ port: 0, era: 'legacy' })
    try {
      await cluster.register('asking', { id: 'one', endpoint: asking.url })
      await servedByBoth(cluster, 'asking')
      const client = await connected(cluster, 'asking', { elicitation: {} })
      client.setRequestHandler(ElicitRequestSchema, async () => ({
        action: 'accept',
        content: { username: 'ann', email: 'ann@example.org' },
      }))
      for (let n = 0; n < 4; n++) {
        const { content } = await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who?' } })
        expect(JSON.stringify(content)).toContain('ann')
      }
      await client.close()
    } finally {
      await asking.close()
    }
  })

  it('finds a parked call of a 2026 client from the other worker', async () => {
    await cluster.register('parking', {
      id: 'one',
      command: process.execPath,
      args: [reference, '--stdio', '--era', 'legacy'],
    })
    await servedByBoth(cluster, 'parking')
    for (let n = 0; n < 6; n++) {
      const first = await modernCall(cluster, 'parking', { name: 'test_elicitation', arguments: { message: 'Who?' } })
      expect(first.json.result).toMatchObject({ resultType: 'input_required' })
      const { inputRequests, requestState } = first.json.result
      const [key = ''] = Object.keys(inputRequests)
      const answer = { action: 'accept', content: { username: 'ann', email: 'ann@example.org' } }
      const second = await modernCall(cluster, 'parking', {
        name: 'test_elicitation',
        arguments: { message: 'Who?' },
        requestState,
        inputResponses: { [key]: answer },
      })
      expect(JSON.stringify(second.json.result?.content)).toContain('ann')
    }
  })

  it('goes on when a worker is killed, replaces it, and keeps the child', async () => {
    const before = cluster.workers()
    const children = cluster.servers()
    const { json: earlier } = await cluster.send('GET', '/gateway/stats')
    const [victim = 0, survivor = 0] = before
    process.kill(victim, 'SIGKILL')
    await cluster.noticed(victim)
    const during = await Promise.all(Array.from({ length: 10 }, (_, n) => cluster.call('http', 'echo', { n })))
    expect(during.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    await waitFor(() => cluster.serving().length === 2, { what: 'the worker was not replaced' })
    expect(cluster.workers()).toContain(survivor)
    const after = await Promise.all(
      Array.from({ length: 10 }, (_, n) => cluster.call('stdio', 'echo', { message: `${n}` })),
    )
    expect(after.map(({ json }) => json.content?.[0]?.text)).toEqual(Array.from({ length: 10 }, (_, n) => `Echo: ${n}`))
    expect(cluster.servers()).toEqual(children)
    const { json: later } = await cluster.send('GET', '/gateway/stats')
    expect(later.gateway.requests_total).toBe(earlier.gateway.requests_total + 20)
  })

  it('goes on with sessions over HTTP when their worker is gone, and answers 404 for those on a child', async () => {
    const http = await Promise.all(Array.from({ length: 24 }, () => newSession(cluster)))
    const stdio = await Promise.all(Array.from({ length: 24 }, () => newSession(cluster, 'stdio')))
    const [victim = 0] = cluster.workers()
    process.kill(victim, 'SIGKILL')
    await cluster.noticed(victim)
    await waitFor(() => cluster.serving().length === 2, { what: 'the worker was not replaced' })
    const taken = await Promise.all(http.map(async (id) => (await ping(cluster, id)).status))
    expect([...new Set(taken)]).toEqual([200])
    const statuses = await Promise.all(stdio.map(async (id) => (await ping(cluster, id, 'stdio')).status))
    expect([...new Set(statuses)].sort()).toEqual([200, 404])
  })
})

describe('a gateway with workers', () => {
  it('ejects a failing instance and takes it back, in every worker', async () => {
    await using cluster = await Cluster.start({ 'health-interval': 0.2 })
    const shaky = await startFaultServer()
    await using _ = { [Symbol.asyncDispose]: () => shaky.stop() }
    await cluster.register('shaky', { id: 'one', endpoint: shaky.url })
    await cluster.register('shaky', { id: 'two', endpoint: server.url })
    const port = Number(new URL(shaky.url).port)
    await shaky.stop()
    await waitFor(
      async () => (await cluster.send('GET', '/mcp/shaky/health')).json.instances.one.status === 'unhealthy',
      { what: 'it is still healthy' },
    )
    await waitFor(async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => cluster.send('GET', '/mcp/shaky/tools/list')))
      return answers.every(({ status }) => status === 200)
    })
    const back = await startFaultServer(undefined, { port })
    try {
      await waitFor(
        async () => (await cluster.send('GET', '/mcp/shaky/health')).json.instances.one.status === 'healthy',
        { what: 'it did not come back' },
      )
      await waitFor(async () => {
        await Promise.all(Array.from({ length: 10 }, () => cluster.call('shaky', 'echo')))
        return back.requestsFor('tools/call').length > 0
      })
    } finally {
      await back.stop()
    }
  })

  it('says in one sentence that the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const failed = await launchGateway({ port, stateDir: (await tempDir()).path })
    expect((await failed.exited).code).toBe(1)
    expect(failed.output()).toContain(`failed ADDRESS_IN_USE: port ${port} on 127.0.0.1 is taken by another program`)
    taken.close()
  })

  it('speaks TLS in every worker', async () => {
    const { path } = await tempDir()
    const [cert, key] = [join(path, 'cert.pem'), join(path, 'key.pem')]
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes', '-newkey', 'ec', '-pkeyopt']
    const command = ['req', '-x509', ...subject, 'ec_paramgen_curve:P-256', '-keyout', key, '-out', cert]
    await promisify(execFile)('openssl', command)
    await using cluster = await Cluster.start({ 'tls-cert': cert, 'tls-key': key })
    expect(cluster.url).toMatch(/^https:/)
    await cluster.register('http', { id: 'one', endpoint: server.url })
    const answers = await Promise.all(Array.from({ length: 30 }, () => cluster.call('http', 'echo')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    await cluster.answeredByBoth('http')
  })

  it('tells of changes on a stream that goes through a worker, and ends it when it stops', async () => {
    const cluster = await Cluster.start()
    const response = await fetch(`${cluster.url}/gateway/events`)
    const text = response.text()
    await cluster.register('http', { id: 'one', endpoint: server.url })
    cluster.process.signal('SIGTERM')
    expect(await text).toContain('registry_changed')
    expect((await cluster.process.exited).code).toBe(0)
  })

  it('serves management on an address of its own', async () => {
    const port = await freePort()
    await using cluster = await Cluster.start({ 'admin-listen': `127.0.0.1:${port}` })
    expect((await fetch(`http://127.0.0.1:${port}/gateway/health`)).status).toBe(200)
    expect((await cluster.send('GET', '/gateway/health')).status).toBe(404)
    expect((await cluster.send('GET', '/health/live')).status).toBe(200)
  })

  it('says which certificate a worker cannot use, and leaves nothing behind', async () => {
    const { path: stateDir } = await tempDir()
    const flags = { stateDir, 'tls-cert': '/nowhere/cert.pem', 'tls-key': '/nowhere/key.pem' }
    const failed = await launchGateway(flags)
    expect((await failed.exited).code).toBe(1)
    expect(failed.output()).toContain('failed TLS_FILES: the TLS certificate /nowhere/cert.pem')
    expect(await leftIn(stateDir)).toEqual([])
  })

  it('lets calls end when it is stopped, and leaves no process and no socket', async () => {
    await using cluster = await Cluster.start()
    await cluster.register('http', { id: 'one', endpoint: server.url })
    await cluster.callBoth('http', 'echo')
    const workers = cluster.workers()
    const reached = server.requestsFor('tools/call').length + 4
    const calls = [1, 2, 3, 4].map(() => cluster.call('http', 'slow', { ms: 3_000 }))
    await waitFor(() => server.requestsFor('tools/call').length === reached, { what: 'the calls did not come' })
    cluster.process.signal('SIGTERM')
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(await cluster.process.exited).toEqual({ code: 0, signal: null })
    expect(workers.filter(pidAlive)).toEqual([])
    expect(await leftIn(cluster.stateDir)).toEqual([])
  })

  it('ends every worker and every child when the primary is killed', async () => {
    await using cluster = await Cluster.start()
    const { command, args } = everythingStdio()
    await cluster.register('stdio', { id: 'one', command, args })
    await cluster.call('stdio', 'echo', { message: 'x' })
    const all = [...cluster.workers(), ...cluster.servers()]
    expect(all).toHaveLength(3)
    await cluster.process.kill9()
    await waitFor(() => !all.some(pidAlive), { what: 'processes were left behind' })
  })
})

/** What only a gateway that runs has in its state folder. */
async function leftIn(stateDir: string): Promise<string[]> {
  const running = ['run', 'lock', 'gateway.json', 'admin-token']
  return (await readdir(stateDir)).filter((name) => running.includes(name))
}

function modernCall(cluster: Cluster, template: string, params: { name: string } & Record<string, unknown>) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  }
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...params, _meta } }
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': params.name }
  return cluster.send('POST', `/mcp/${template}`, body, headers)
}

async function newSession(cluster: Cluster, template = 'http'): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const { headers } = await cluster.send(
    'POST',
    `/mcp/${template}`,
    { jsonrpc: '2.0', id: 1, method: 'initialize', params },
    EITHER,
  )
  return String(headers['mcp-session-id'])
}

const EITHER = { accept: 'application/json, text/event-stream' }

function ping(cluster: Cluster, session: string, template = 'http') {
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' }
  return cluster.send('POST', `/mcp/${template}`, body, { 'mcp-session-id': session, ...EITHER })
}
