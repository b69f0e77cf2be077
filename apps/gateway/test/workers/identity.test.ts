import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { Cluster } from './support.js'

describe('workers with authentication', () => {
  let server: FaultServer
  let cluster: Cluster

  beforeAll(async () => {
    server = await startFaultServer()
    // Asking until a key is known, or is not any more, must not meet the limit of refused requests.
    const rate = ['tool:fs/limited=2/h', 'unauthenticated=1000000/s']
    cluster = await Cluster.start({ workers: 2, auth: true, 'rate-limit': rate })
  })
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
    await server.stop()
  })

  const call = async (key: string, name = 'echo'): Promise<number> =>
    (await cluster.send('POST', '/mcp/fs/tools/call', { name, arguments: {} }, { 'x-api-key': key })).status

  const each = async (key: string): Promise<number[]> => Promise.all(Array.from({ length: 8 }, () => call(key)))

  it('take a key in every process, and none as soon as it is revoked', async () => {
    await cluster.admin('POST', '/gateway/register?probe=true', {
      template_name: 'fs',
      instance: { id: 'a', endpoint: server.url },
    })
    await cluster.admin('PATCH', '/gateway/templates/fs', { audit: 'calls' })
    const { api_key: key, key: facts } = (await cluster.admin('POST', '/auth/api-keys', { name: 'k', role: 'user' }))
      .json
    await waitFor(async () => (await each(key)).every((status) => status === 200), { what: 'all workers know the key' })
    expect((await each('wrong')).every((status) => status === 401)).toBe(true)
    await waitFor(async () => (await cluster.admin('GET', '/auth/api-keys')).json.api_keys[0].id === facts.id, {
      what: 'the key is listed',
    })
    expect((await cluster.admin('DELETE', `/auth/api-keys/${facts.id}`)).status).toBe(204)
    await waitFor(async () => (await each(key)).every((status) => status === 401), {
      what: 'no worker takes the key any more',
    })
    const verify = async () => (await cluster.admin('GET', '/auth/audit/verify')).json
    await waitFor(async () => (await verify()).trails[1].records >= 8, { what: 'the calls are in the trail' })
    expect((await verify()).ok).toBe(true)
  })

  it("cut the streams of a key when its owner's role shrinks", async () => {
    const password = 'four words make one password'
    expect((await cluster.admin('POST', '/auth/users', { name: 'anna', password })).status).toBe(201)
    const login = await cluster.send('POST', '/auth/login', { username: 'anna', password })
    const authorization = `Bearer ${login.json.access_token}`
    const made = await cluster.send('POST', '/auth/api-keys', { name: 'own' }, { authorization })
    const key: string = made.json.api_key
    await waitFor(async () => (await each(key)).every((status) => status === 200), { what: 'all workers know the key' })
    const opened = await Promise.all(Array.from({ length: 4 }, () => openStream(cluster, key)))
    expect((await cluster.admin('PATCH', '/auth/users/anna', { role: 'auditor' })).status).toBe(200)
    await waitFor(() => opened.every(({ ended }) => ended()), { what: 'every stream is cut' })
    // A worker without a stream of it may hear of it a moment later.
    await waitFor(async () => (await each(key)).every((status) => status === 403), { what: 'no worker lets it call' })
  })

  it('divide a limit among them', async () => {
    const { api_key: key } = (await cluster.admin('POST', '/auth/api-keys', { name: 'l', role: 'user' })).json
    await waitFor(async () => (await each(key)).every((status) => status === 200), { what: 'all workers know the key' })
    const statuses: number[] = []
    for (let n = 0; n < 10; n++) statuses.push(await call(key, 'limited'))
    expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(2)
  })
})

/** A session's own stream, on the worker that takes it. */
async function openStream(cluster: Cluster, key: string): Promise<{ ended(): boolean }> {
  const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }
  const accept = 'application/json, text/event-stream'
  const { headers } = await cluster.send('POST', '/mcp/fs', body, { accept, 'x-api-key': key })
  const session = { 'mcp-session-id': String(headers['mcp-session-id']), 'mcp-protocol-version': '2025-06-18' }
  const response = await fetch(`${cluster.url}/mcp/fs`, {
    headers: { ...session, accept: 'text/event-stream', 'x-api-key': key },
  })
  expect(response.status).toBe(200)
  let isOver = false
  void response.text().then(
    () => undefined,
    () => {
      isOver = true
    },
  )
  return { ended: () => isOver }
}
