import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { everythingStdio, type FaultServer, pidAlive, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { initialize, type McpAnswer, open, PING, post, read, sdkClient, toolCall } from './mcp.js'
import { startRoundRobin } from './round-robin.js'
import { type NodeProcess, onServer, startNode } from './support.js'

const MODERN = '2026-07-28'
const ASKED = { username: 'ann', email: 'ann@example.org' }

let legacy: FaultServer
let modern: FaultServer
let reference: Awaited<ReturnType<typeof serveHttp>>

beforeAll(async () => {
  legacy = await startFaultServer(undefined, { era: 'legacy' })
  modern = await startFaultServer(undefined, { era: 'modern' })
  reference = await serveHttp({ port: 0, era: 'legacy' })
})
afterAll(() => Promise.all([legacy.stop(), modern.stop(), reference.close()]))

const text = ({ json }: McpAnswer): string => json.result?.content?.[0]?.text ?? ''

/** Nodes on one database that serve the same templates. */
async function startNodes(
  database: string,
  count: number,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<NodeProcess[]> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode({ database, flags })))
  const [first] = nodes
  const { command, args } = everythingStdio()
  const templates = {
    legacy: { endpoint: legacy.url },
    modern: { endpoint: modern.url },
    reference: { endpoint: reference.url },
    child: { command, args },
  }
  for (const [template, attach] of Object.entries(templates)) {
    const registered = await first?.admin('POST', '/gateway/register?probe=true', {
      template_name: template,
      instance: { id: 'one', ...attach },
    })
    expect(registered?.status).toBe(201)
  }
  for (const node of nodes) {
    for (const template of Object.keys(templates)) {
      const lists = async (): Promise<boolean> => (await node.get(`/mcp/${template}/tools/list`)).status === 200
      await waitFor(lists, { what: `${template} is not served by every node` })
    }
  }
  return nodes
}

const stopAll = (nodes: readonly NodeProcess[]): Promise<unknown> => Promise.all(nodes.map((node) => node.stop()))

/** A 2025 client of the SDK whose every request goes to another node. */
async function servesOneClient(nodes: readonly NodeProcess[]): Promise<void> {
  const balancer = await startRoundRobin(nodes.map(({ url }) => url))
  const client = await sdkClient(`${balancer.url}/mcp/reference`, { elicitation: {} })
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: ASKED }))
  let updated = 0
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, () => {
    updated += 1
  })
  expect((await client.listTools()).tools.length).toBeGreaterThan(5)
  const uri = 'test://watched-resource'
  await client.subscribeResource({ uri })
  for (let n = 0; n < 2 * nodes.length + 1; n += 1) {
    const { content } = await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who?' } })
    expect(JSON.stringify(content)).toContain('ann')
    await hearsProgress(client)
    await client.callTool({ name: 'test_trigger_resource_update', arguments: {} })
    await waitFor(() => updated > n, { what: 'the update did not come' })
  }
  await client.close()
  await balancer.stop()
  for (const count of balancer.connections) expect(count).toBeGreaterThan(5)
}

await onServer('PostgreSQL', startPostgres, (server) => {
  describe('two nodes', () => {
    let nodes: NodeProcess[]
    let home: string
    let other: string

    beforeAll(async () => {
      nodes = await startNodes(await server.createDatabase(), 2)
      home = nodes[0]?.url ?? ''
      other = nodes[1]?.url ?? ''
    })
    afterAll(() => stopAll(nodes))

    it('serve one 2025 client whose every request goes to another one: calls, progress, questions, subscriptions', () =>
      servesOneClient(nodes))

    it('serve sessions on a modern server, on a child and of all templates through either', async () => {
      for (const path of ['/mcp/modern', '/mcp/child', '/mcp']) {
        const session = await initialize(home + path)
        expect((await post(other + path, PING, session)).status).toBe(200)
        const listed = await post(other + path, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, session)
        expect(listed.json.result.tools.length).toBeGreaterThan(1)
        expect((await read(await open('DELETE', other + path, { 'mcp-session-id': session }))).status).toBe(200)
        expect((await post(home + path, PING, session)).status).toBe(404)
      }
    })

    it('let a stream be resumed through the other one, and a lost connection cancel nothing', async () => {
      const path = '/mcp/legacy'
      const session = await initialize(home + path)
      const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
      const answer = await open(
        'POST',
        other + path,
        { 'content-type': 'application/json', ...headers },
        JSON.stringify({
          ...toolCall('progress', { steps: 2 }),
          params: { name: 'progress', arguments: { steps: 2 }, _meta: { progressToken: 'p' } },
        }),
      )
      const whole = await read(answer)
      expect(whole.text).toContain('"progress":1')
      const [id = ''] = /^id: (\S+\.1)$/m.exec(whole.text)?.slice(1) ?? []
      const rest = await read(await open('GET', other + path, { ...headers, 'last-event-id': id }))
      expect(rest.text).toContain('"progress":2')
      expect(rest.text).not.toContain('"progress":1')
      expect(rest.text).toContain('"id":7')

      const cancelled = legacy.requestsFor('notifications/cancelled').length
      const executed = legacy.requestsFor('tools/call').length
      const controller = new AbortController()
      const lost = fetch(other + path, {
        method: 'POST',
        headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers },
        body: JSON.stringify(toolCall('slow', { ms: 5_000 }, 8)),
        signal: controller.signal,
      })
      await waitFor(() => legacy.requestsFor('tools/call').length > executed)
      controller.abort()
      await expect(lost).rejects.toThrow()
      expect((await post(home + path, toolCall('echo', { n: 1 }, 9), session)).status).toBe(200)
      expect(legacy.requestsFor('notifications/cancelled')).toHaveLength(cancelled)
    })

    it('cancel a call that came by one when the cancellation comes by the other', async () => {
      const path = '/mcp/legacy'
      const session = await initialize(home + path)
      const executed = legacy.requestsFor('tools/call').length
      const call = post(home + path, toolCall('slow', { ms: 20_000 }, 11), session)
      await waitFor(() => legacy.requestsFor('tools/call').length > executed)
      const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 11 } }
      expect((await post(other + path, cancel, session)).status).toBe(202)
      const cancelled = await call
      expect({ ok: cancelled.status < 300, answer: cancelled.json }).toEqual({ ok: true, answer: undefined })
    })

    it('find a parked call of a 2026 client', async () => {
      const first = await modernCall(home, { name: 'test_elicitation', arguments: { message: 'Who?' } })
      expect(first.json.result).toMatchObject({ resultType: 'input_required' })
      const { inputRequests, requestState } = first.json.result
      const [key = ''] = Object.keys(inputRequests)
      const second = await modernCall(other, {
        name: 'test_elicitation',
        arguments: { message: 'Who?' },
        requestState,
        inputResponses: { [key]: { action: 'accept', content: ASKED } },
      })
      expect(JSON.stringify(second.json.result?.content)).toContain('ann')
    })

    it('are found from the first moment on by nodes that were there before', async () => {
      const [first] = nodes
      const late = await startNode({ database: first?.database ?? '' })
      await waitFor(async () => (await late.get('/mcp/legacy/tools/list')).status === 200)
      const session = await initialize(`${late.url}/mcp/child`)
      expect((await post(`${home}/mcp/child`, PING, session)).status).toBe(200)
      await late.stop()
    })
  })

  describe('a node that is gone', () => {
    it('leaves sessions over HTTP to one other, which goes on; those on a child, of all templates and parked are 404', async () => {
      const nodes = await startNodes(await server.createDatabase(), 3)
      const [home, ...others] = nodes
      if (home === undefined) throw new Error('no node')
      const paths = ['/mcp/legacy', '/mcp/modern', '/mcp/child', '/mcp']
      const sessions = await Promise.all(paths.map((path) => initialize(home.url + path)))
      const parked = await modernCall(home.url, { name: 'test_elicitation', arguments: { message: 'Who?' } })
      const executed = legacy.totalExecutions
      const inFlight = post(`${others[0]?.url}/mcp/legacy`, toolCall('slow', { ms: 60_000 }), sessions[0])
      await waitFor(() => legacy.totalExecutions > executed)
      await home.kill9()

      const unknown = await inFlight
      expect({ status: unknown.status, code: unknown.json.error.code }).toEqual({ status: 502, code: -31001 })
      expect(unknown.json.error.data).toMatchObject({ executed: 'unknown', retryable: false })
      for (const { url } of others) {
        const answers = await Promise.all(paths.map((path, n) => post(url + path, PING, sessions[n])))
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 404])
        for (const path of ['/mcp/legacy', '/mcp/modern']) {
          const session = sessions[paths.indexOf(path)]
          const answer = await post(url + path, toolCall('echo', { from: url }), session)
          expect(text(answer)).toContain(url)
        }
        const headers = { 'mcp-session-id': sessions[0] ?? '', 'last-event-id': 's.0', accept: 'text/event-stream' }
        expect((await read(await open('GET', `${url}/mcp/legacy`, headers))).status).toBe(404)
        const { requestState, inputRequests } = parked.json.result
        const retried = await modernCall(url, {
          name: 'test_elicitation',
          arguments: { message: 'Who?' },
          requestState,
          inputResponses: { [Object.keys(inputRequests)[0] ?? '']: { action: 'decline' } },
        })
        expect(retried.status).toBe(404)
      }
      // One of them has it; both, when one could not be reached in time as the other was asked: a busy machine.
      const ended: number[] = []
      for (const { url } of others) {
        ended.push((await read(await open('DELETE', `${url}/mcp/legacy`, named(sessions[0])))).status)
      }
      expect(ended[0]).toBe(200)
      expect([200, 404]).toContain(ended[1])
      for (const { url } of others) expect((await post(`${url}/mcp/legacy`, PING, sessions[0])).status).toBe(404)
      await stopAll(others)
    })

    it('does not stop a client of the SDK whose server is reached over HTTP', async () => {
      const nodes = await startNodes(await server.createDatabase(), 3)
      const [first] = nodes
      if (first === undefined) throw new Error('no node')
      const balancer = await startRoundRobin(nodes.map(({ url }) => url))
      const client = await sdkClient(`${balancer.url}/mcp/reference`, { elicitation: {} })
      client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: ASKED }))
      client.onerror = () => undefined
      await first.kill9()
      balancer.leaveOut(first.url)
      // A connection that the client had kept to it may be used once more before its end is seen: that is the client's affair.
      await waitFor(() => client.ping(), { what: 'the client is not answered' })
      for (let n = 0; n < 4; n += 1) {
        const { content } = await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who?' } })
        expect(JSON.stringify(content)).toContain('ann')
      }
      await client.close()
      await balancer.stop()
      await stopAll(nodes.slice(1))
    })

    it('that stops in peace leaves its sessions in the same way', async () => {
      const nodes = await startNodes(await server.createDatabase(), 2)
      const [home, other] = nodes
      const session = await initialize(`${home?.url}/mcp/modern`)
      await home?.end()
      expect((await post(`${other?.url}/mcp/modern`, PING, session)).status).toBe(200)
      await other?.stop()
    })
  })

  it('holds for nodes with workers: from the door of a node to the home is its inside', async () => {
    const nodes = await startNodes(await server.createDatabase(), 2, { workers: 2 })
    await servesOneClient(nodes)
    const [home, other] = nodes
    const sessions = await Promise.all(Array.from({ length: 8 }, () => initialize(`${home?.url}/mcp/modern`)))
    const pings = (): Promise<McpAnswer[]> =>
      Promise.all(sessions.map((session) => post(`${other?.url}/mcp/modern`, PING, session)))
    expect((await pings()).map(({ status }) => status)).toEqual(sessions.map(() => 200))
    const workers = childrenOf(home?.pid ?? 0)
    await home?.kill9()
    // Its workers see that it is gone, and go too.
    await waitFor(() => !workers.some(pidAlive), { what: 'the workers have not ended' })
    expect((await pings()).map(({ status }) => status)).toEqual(sessions.map(() => 200))
    await other?.stop()
  })

  it('asks again who is calling: another principal finds nothing, a revoked key opens nothing', async () => {
    const database = await server.createDatabase()
    const nodes = await startNodes(database, 2, { auth: false })
    await stopAll(nodes)
    // Asking until a key is known, or is not any more, must not meet the limit of refused requests.
    const flags = { auth: true, 'rate-limit': ['unauthenticated=1000000/s'] }
    const [home, other] = await Promise.all([startNode({ database, flags }), startNode({ database, flags })])
    const keys: { key: string; id: string }[] = []
    for (const name of ['one', 'two']) {
      const made = await home.admin('POST', '/auth/api-keys', { name, role: 'user' })
      expect(made.status).toBe(201)
      keys.push({ key: made.json.api_key, id: made.json.key.id })
    }
    const [mine, theirs] = keys.map(({ key }) => ({ authorization: `Bearer ${key}` }))
    const path = '/mcp/legacy'
    const opens = async (url: string): Promise<boolean> => (await post(url + path, PING, 'x', mine)).status === 404
    for (const { url } of [home, other]) await waitFor(() => opens(url), { what: 'the key is not known' })
    const session = await initialize(home.url + path, mine)
    expect((await post(other.url + path, PING, session, mine)).status).toBe(200)
    expect((await post(other.url + path, PING, session, theirs)).status).toBe(404)
    expect((await post(other.url + path, PING, session)).status).toBe(401)
    expect((await home.admin('DELETE', `/auth/api-keys/${keys[0]?.id}`)).status).toBe(204)
    await waitFor(async () => (await post(other.url + path, PING, session, mine)).status === 401)
    await stopAll([home, other])
  })
})

/** The SDK's client drops progress that it reads together with the result: what it hears is the beginning, and of several calls something. */
async function hearsProgress(client: Client): Promise<void> {
  const heard: number[][] = []
  await waitFor(async () => {
    const steps: number[] = []
    heard.push(steps)
    const onprogress = ({ progress }: { progress: number }): void => void steps.push(progress)
    await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, undefined, { onprogress })
    return steps.length > 0
  })
  for (const steps of heard) expect(steps).toEqual([0, 50, 100].slice(0, steps.length))
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return children === '' ? [] : children.split(' ').map(Number)
}

function named(session = ''): Record<string, string> {
  return { 'mcp-session-id': session }
}

function modernCall(url: string, params: { name: string } & Record<string, unknown>): Promise<McpAnswer> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  }
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...params, _meta } }
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': params.name }
  return post(`${url}/mcp/reference`, body, undefined, headers)
}
