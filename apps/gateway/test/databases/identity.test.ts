import { expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { send } from '../helpers.js'
import { type NodeProcess, onServers, startNode } from './support.js'

const PASSWORD = 'four words make one password'

const me = async (node: NodeProcess, credential: string): Promise<number> =>
  (await send(`${node.url}/auth/me`, { headers: { authorization: `Bearer ${credential}` } })).status

await onServers((server) => {
  it('carries users, keys, logins and their end from one node to the others', async () => {
    const database = await server.createDatabase()
    // Asking until a credential is known, or is not any more, must not meet the limit of refused requests.
    const flags = { auth: true, 'rate-limit': ['unauthenticated=1000000/s'] }
    const [a, b] = await Promise.all([startNode({ database, flags }), startNode({ database, flags })])
    expect((await a.admin('POST', '/auth/users', { name: 'anna', password: PASSWORD })).status).toBe(201)
    const made = (await a.admin('POST', '/auth/api-keys', { name: 'k', role: 'user' })).json
    await waitFor(async () => (await me(b, made.api_key)) === 200, { what: 'the key holds on the other node' })
    const login = await b.post('/auth/login', { username: 'anna', password: PASSWORD })
    const token: string = login.json.access_token
    expect([await me(a, token), await me(b, token)]).toEqual([200, 200])

    expect((await b.admin('DELETE', `/auth/api-keys/${made.key.id}`)).status).toBe(204)
    expect(await me(b, made.api_key)).toBe(401)
    await waitFor(async () => (await me(a, made.api_key)) === 401, { what: 'the key has ended everywhere' })
    expect((await a.admin('PATCH', '/auth/users/anna', { role: 'auditor' })).status).toBe(200)
    expect(await me(a, token)).toBe(401)
    await waitFor(async () => (await me(b, token)) === 401, { what: 'the token has ended everywhere' })
    const verified = (await a.admin('GET', '/auth/audit/verify')).json
    expect(verified.ok).toBe(true)
    await Promise.all([a.stop(), b.stop()])
  })

  it('divides a limit of callers by the nodes that live', async () => {
    const database = await server.createDatabase()
    const flags = { auth: true, 'rate-limit': ['principal=20/h', 'unauthenticated=1000000/s'] }
    const nodes = await Promise.all([startNode({ database, flags }), startNode({ database, flags })])
    const { api_key: key } = (await nodes[0].admin('POST', '/auth/api-keys', { name: 'k', role: 'user' })).json
    const policyOf = async (node: NodeProcess): Promise<string | null> => {
      return (await node.admin('GET', '/auth/me')).headers.get('ratelimit-policy')
    }
    for (const node of nodes) {
      await waitFor(async () => (await policyOf(node)) === '"principal";q=10;w=3600', {
        pollMs: 1_000,
        what: 'the node knows that it is one of two',
      })
    }
    await waitFor(async () => (await me(nodes[1], key)) === 200, { what: 'the key holds on the other node' })
    let allowed = 1
    for (let n = 0; n < 15; n++) for (const node of nodes) allowed += (await me(node, key)) === 200 ? 1 : 0
    expect(allowed).toBeLessThanOrEqual(21)
    expect(allowed).toBeGreaterThanOrEqual(19)
    await Promise.all(nodes.map((node) => node.stop()))
  })
})
