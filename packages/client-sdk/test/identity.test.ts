import { describe, expect, it } from '@jest/globals'
import { GatewayClient } from '../src/index.js'
import { sendJson, startFakeGateway } from './fake-gateway.js'

describe('users and API keys', () => {
  it('map every operation to its method, path and body', async () => {
    await using gateway = await startFakeGateway((seen, response) => {
      if (seen.method === 'DELETE' || seen.url === '/auth/password') response.writeHead(204).end()
      else sendJson(response, { users: [], api_keys: [] })
    })
    await using client = new GatewayClient({ baseUrl: gateway.url, authToken: 't' })
    await client.users.list()
    await client.users.create({ name: 'anna', role: 'user' })
    await client.users.update('anna', { role: 'operator', tools: null })
    await client.users.disable('anna')
    await client.users.enable('anna')
    await client.users.setPassword('anna', 'a new password')
    expect(await client.users.delete('a/b')).toBeUndefined()
    await client.apiKeys.list()
    await client.apiKeys.create({ name: 'app', role: 'user', expires_in: 'never' })
    await client.apiKeys.rotate('k1', { overlapSeconds: 60 })
    await client.apiKeys.rotate('k1')
    expect(await client.apiKeys.revoke('k1')).toBeUndefined()
    await client.verifyAudit()
    expect(gateway.seen.map(({ method, url, body }) => [`${method} ${url}`, body])).toEqual([
      ['GET /auth/users', undefined],
      ['POST /auth/users', { name: 'anna', role: 'user' }],
      ['PATCH /auth/users/anna', { role: 'operator', tools: null }],
      ['PATCH /auth/users/anna', { disabled: true }],
      ['PATCH /auth/users/anna', { disabled: false }],
      ['POST /auth/password', { username: 'anna', new_password: 'a new password' }],
      ['DELETE /auth/users/a%2Fb', undefined],
      ['GET /auth/api-keys', undefined],
      ['POST /auth/api-keys', { name: 'app', role: 'user', expires_in: 'never' }],
      ['POST /auth/api-keys/k1/rotate', { overlap: 60 }],
      ['POST /auth/api-keys/k1/rotate', {}],
      ['DELETE /auth/api-keys/k1', undefined],
      ['GET /auth/audit/verify', undefined],
    ])
  })

  it('are asked for where management listens', async () => {
    await using gateway = await startFakeGateway()
    await using management = await startFakeGateway((_, response) => sendJson(response, { users: [] }))
    await using client = new GatewayClient({ baseUrl: gateway.url, managementUrl: management.url })
    await client.users.list()
    expect([gateway.seen.length, management.seen.length]).toEqual([0, 1])
  })
})

describe('the audit trail', () => {
  const event = (id: number) => ({ id: `e${id}`, at: '2026-01-01T00:00:00.000Z', action: 'login', actor: 'user:anna' })
  const pages: Record<string, unknown> = {
    '': { events: [event(5), event(4)], next_cursor: 'c1' },
    c1: { events: [event(3), event(2)], next_cursor: 'c2' },
    c2: { events: [event(1)], next_cursor: null },
  }

  function startTrail() {
    return startFakeGateway(({ url }, response) => {
      sendJson(response, pages[new URL(url, 'http://g').searchParams.get('cursor') ?? ''])
    })
  }

  async function idsOf(events: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
    const ids: string[] = []
    for await (const { id } of events) ids.push(id)
    return ids
  }

  it('is read to its end, page by page', async () => {
    await using gateway = await startTrail()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const since = new Date('2026-01-01T00:00:00Z')
    const ids = await idsOf(client.audit({ since, actor: 'anna', pageSize: 2 }))
    expect(ids).toEqual(['e5', 'e4', 'e3', 'e2', 'e1'])
    const first = new URL(gateway.seen[0]?.url ?? '', 'http://g').searchParams
    expect(Object.fromEntries(first)).toEqual({ since: '2026-01-01T00:00:00.000Z', actor: 'anna', limit: '2' })
  })

  it('is not read further than it is asked for', async () => {
    await using gateway = await startTrail()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const ids = await idsOf(client.audit({ limit: 3, pageSize: 2 }))
    expect(ids).toEqual(['e5', 'e4', 'e3'])
    expect(gateway.seen).toHaveLength(2)
    for await (const _ of client.audit()) break
    expect(gateway.seen).toHaveLength(3)
  })
})
