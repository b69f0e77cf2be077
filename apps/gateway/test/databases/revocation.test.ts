import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { type Answer, send } from '../helpers.js'
import { type NodeProcess, onServers, startNode } from './support.js'

const PASSWORD = 'four words make one password'
const NATIVE = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** What somebody has open on a node, and how to see that it is over. */
interface Client {
  rest(): Promise<number>
  native(): Promise<number>
  /** Names of the streams that are still open. */
  openStreams(): string[]
}

const rpc = (node: NodeProcess, headers: Record<string, string>, method: string, params: object): Promise<Answer> =>
  send(`${node.url}/mcp/fs`, {
    method: 'POST',
    headers: { ...NATIVE, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })

async function connected(node: NodeProcess, credential: string): Promise<Client> {
  const authorization = `Bearer ${credential}`
  const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const session = (await rpc(node, { authorization }, 'initialize', hello)).headers.get('mcp-session-id') ?? ''
  expect(session).not.toBe('')
  const headers = { authorization, 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' }
  const streams = new Set<string>()
  for (const path of ['/gateway/events', '/mcp/fs']) {
    const response = await fetch(node.url + path, { headers: { ...headers, accept: 'text/event-stream' } })
    expect([path, response.status]).toEqual([path, 200])
    streams.add(path)
    void drained(response).finally(() => streams.delete(path))
  }
  return {
    rest: async () => (await send(`${node.url}/mcp/fs/tools/list`, { headers: { authorization } })).status,
    native: async () => (await rpc(node, headers, 'tools/call', { name: 'echo', arguments: {} })).status,
    openStreams: () => [...streams],
  }
}

async function drained(response: Response): Promise<void> {
  const reader = response.body?.getReader()
  try {
    while ((await reader?.read())?.done === false);
  } catch {
    // A stream that was cut has ended too.
  }
}

await onServers((database, name) => {
  let server: FaultServer
  let a: NodeProcess
  let b: NodeProcess

  beforeAll(async () => {
    server = await startFaultServer()
    const url = await database.createDatabase()
    ;[a, b] = (await Promise.all(
      [1, 2].map(() =>
        startNode({ database: url, flags: { auth: true, 'rate-limit': ['unauthenticated=1000000/s'] } }),
      ),
    )) as [NodeProcess, NodeProcess]
    const instance = { id: 'a', endpoint: server.url }
    const made = await a.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    expect(made.status).toBe(201)
    await waitFor(async () => (await b.admin('GET', '/mcp/fs/tools/list')).status === 200, {
      what: 'the other node serves the template',
    })
  })
  afterAll(async () => {
    await Promise.all([a.stop(), b.stop()])
    await server.stop()
  })

  const login = async (user: string): Promise<string> =>
    (await b.post('/auth/login', { username: user, password: PASSWORD })).json.access_token

  const ownKey = async (user: string): Promise<{ key: string; id: string }> => {
    const headers = { authorization: `Bearer ${await login(user)}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ name: 'k', role: 'user' })
    const { json } = await send(`${b.url}/auth/api-keys`, { method: 'POST', headers, body })
    return { key: json.api_key, id: json.key.id }
  }

  it.each<
    [what: string, refusal: number, change: (user: string, keyId: string) => Promise<Answer>, by: 'key' | 'token']
  >([
    ['a key that is revoked', 401, (_, id) => a.admin('DELETE', `/auth/api-keys/${id}`), 'key'],
    [
      'a key whose owner is disabled',
      401,
      (user) => a.admin('PATCH', `/auth/users/${user}`, { disabled: true }),
      'key',
    ],
    ['a key whose owner is deleted', 401, (user) => a.admin('DELETE', `/auth/users/${user}`), 'key'],
    [
      "a key whose owner's role shrinks",
      403,
      (user) => a.admin('PATCH', `/auth/users/${user}`, { role: 'auditor' }),
      'key',
    ],
    [
      'a key whose owner is narrowed',
      403,
      (user) => a.admin('PATCH', `/auth/users/${user}`, { templates: ['x'] }),
      'key',
    ],
    [
      'a token whose user is disabled',
      401,
      (user) => a.admin('PATCH', `/auth/users/${user}`, { disabled: true }),
      'token',
    ],
    [
      'a token whose user gets another role',
      401,
      (user) => a.admin('PATCH', `/auth/users/${user}`, { role: 'operator' }),
      'token',
    ],
    [
      'a token whose user gets another password',
      401,
      (user) => a.admin('POST', '/auth/password', { username: user, new_password: `${PASSWORD}!` }),
      'token',
    ],
    ['a token whose user is deleted', 401, (user) => a.admin('DELETE', `/auth/users/${user}`), 'token'],
  ])('%s ends calls (%i), sessions and open streams on the other node', async (what, refusal, change, by) => {
    const user = what.replaceAll(/[^a-z]+/g, '-').slice(0, 40)
    expect((await b.admin('POST', '/auth/users', { name: user, password: PASSWORD })).status).toBe(201)
    const { key, id } = await ownKey(user)
    const credential = by === 'key' ? key : await login(user)
    await waitFor(
      async () => (await a.admin('GET', '/auth/users')).json.users.some((u: { name: string }) => u.name === user),
      {
        what: 'the other node knows the user',
      },
    )
    const client = await connected(b, credential)
    expect([await client.rest(), await client.native(), client.openStreams().length]).toEqual([200, 200, 2])

    expect((await change(user, id)).status).toBeLessThan(300)
    const changedAt = performance.now()
    const state = async (): Promise<unknown[]> => [await client.rest(), await client.native(), ...client.openStreams()]
    // A session of somebody who is not known any more is not there.
    const over = async (): Promise<boolean> => {
      const [rest, native, ...streams] = await state()
      return rest === refusal && native === refusal && streams.length === 0
    }
    try {
      await waitFor(over, { what: 'everything is over' })
    } catch (error) {
      throw new Error(JSON.stringify(await state()), { cause: error })
    }
    measured.push(performance.now() - changedAt)
  })

  it('was measured for all of them', () => {
    expect(measured).toHaveLength(9)
    process.stdout.write(
      `revocation on ${name}: ${Math.round(Math.max(...measured))} ms at most over ${measured.length} changes\n`,
    )
  })

  const measured: number[] = []
})
