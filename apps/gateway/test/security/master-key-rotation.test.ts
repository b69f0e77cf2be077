import { describe, expect, it } from '@jest/globals'
import { MasterKey } from '@mcp-platform/auth'
import { everythingStdio, startFaultServer, tempDir, waitFor } from '@mcp-platform/test-kit'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import { openStores, type Stores } from '../../src/index.js'
import { onServer } from '../databases/support.js'
import { start, type TestGateway } from '../helpers.js'
import { apiKey, as, startFailure, startSecured, userToken } from './support.js'

const DAY_MS = 24 * 3_600_000
const [A, B] = [MasterKey.generate(), MasterKey.generate()]
const keys = (...ring: MasterKey[]): string => ring.map((key) => key.export()).join(' ')

async function inDatabase<T>(database: string, work: (db: Stores['kysely']) => Promise<T>): Promise<T> {
  const stores = await openStores({ database, schema: 'skip' })
  try {
    return await work(stores.kysely)
  } finally {
    await stores.close()
  }
}

/** Ids of the master keys under which rows of the registry are kept. */
async function keysOfRows(database: string): Promise<string[]> {
  const rows = await inDatabase(database, (db) => db.selectFrom('instances').select(['secrets', 'signature']).execute())
  const ids = rows.flatMap(({ secrets, signature }) => [secrets?.split('.')[1], signature?.split('.')[0]])
  return [...new Set(ids.filter((id) => id !== undefined))]
}

async function rotatedDaysAgo(database: string, days: number): Promise<void> {
  await inDatabase(database, async (db) => {
    const { details } = await db.selectFrom('key_checks').select('details').executeTakeFirstOrThrow()
    const check = JSON.parse(details)
    check.previous.replacedAt = new Date(Date.now() - days * DAY_MS).toISOString()
    await db
      .updateTable('key_checks')
      .set({ details: JSON.stringify(check) })
      .execute()
  })
}

const call = { name: 'echo', arguments: { message: 'hello' } }
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

describe('a change of the master key', () => {
  it('brings everything under the new one; logins, keys, sessions, credentials and commands go on', async () => {
    const server = await startFaultServer()
    const stateDir = (await tempDir()).path
    const database = `sqlite://${stateDir}/gateway.db`
    const on = (ring: string): Promise<TestGateway> =>
      startSecured({}, { env: { MCPP_STATE_DIR: stateDir, MCP_GATEWAY_MASTER_KEY: ring } })
    const first = await on(keys(A))
    const headers = { 'x-secret': 'canary-of-rotation' }
    const instance = { id: 'a', endpoint: server.url, headers }
    const { command, args } = everythingStdio()
    await first.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    const stdio = { id: 's', command, args, env: { A: 'b' } }
    await first.admin('POST', '/gateway/register?probe=true', { template_name: 'std', instance: stdio })
    const token = await userToken(first, 'anna', { role: 'admin' })
    const used = await apiKey(first, { role: 'user' })
    const unused = await apiKey(first, { role: 'user' })
    expect((await as(first, used.key, 'GET', '/auth/me')).status).toBe(200)
    const opened = await as(first, token, 'POST', '/mcp/fs', initialize)
    expect(opened.status).toBe(200)
    const session = opened.headers.get('mcp-session-id')
    await first.close()
    expect(await keysOfRows(database)).toEqual([A.id])

    const second = await on(keys(B, A))
    await waitFor(async () => (await keysOfRows(database)).join() === B.id, { what: 'rows are under the new key' })
    const works = async (gateway: TestGateway): Promise<void> => {
      const called = await as(gateway, used.key, 'POST', '/mcp/fs/tools/call', call)
      expect([called.status, called.text]).toEqual([200, expect.stringContaining('hello')])
      expect((await as(gateway, used.key, 'POST', '/mcp/std/tools/call', call)).status).toBe(200)
      expect((await gateway.admin('GET', '/auth/audit/verify')).json.ok).toBe(true)
    }
    await works(second)
    expect(JSON.stringify(server.requestsFor('tools/call').at(-1))).toContain('canary-of-rotation')
    expect((await as(second, token, 'GET', '/auth/me')).json).toMatchObject({ id: 'user:anna' })
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    const listed = await fetch(`${second.url}/mcp/fs`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-session-id': session ?? '',
        'mcp-protocol-version': '2025-06-18',
      },
      body: JSON.stringify(list),
    })
    expect([listed.status, await listed.text()]).toEqual([200, expect.stringContaining('echo')])
    const { events } = (await second.admin('GET', '/auth/audit?action=master-key.renew')).json
    expect(events).toMatchObject([{ actor: 'gateway', details: { key: B.id } }])
    await second.close()

    await rotatedDaysAgo(database, 31)
    const third = await on(keys(B, A))
    await works(third)
    // It was never used in these days, so nobody could hash it anew.
    expect((await as(third, unused.key, 'GET', '/auth/me')).status).toBe(401)
    await third.close()

    const fourth = await on(keys(B))
    await works(fourth)
    await fourth.close()
    const env = { MCPP_STATE_DIR: stateDir, MCP_GATEWAY_MASTER_KEY: keys(A) }
    const refused = await startFailure({ env, flags: { port: 0, auth: true } })
    expect(refused.code).toBe('MASTER_KEY')
    expect(refused.message).not.toContain('\n')
    await server.stop()
  })
})

await onServer('PostgreSQL', startPostgres, (server) => {
  it('goes node by node: readable everywhere first, then in use; a restart in between changes nothing', async () => {
    const upstream = await startFaultServer()
    const database = await server.createDatabase()
    const folders = [(await tempDir()).path, (await tempDir()).path]
    const on = (node: number, ...ring: MasterKey[]): Promise<TestGateway> => {
      const env = { MCPP_STATE_DIR: folders[node], MCP_GATEWAY_MASTER_KEY: keys(...ring) }
      return start({ env, flags: { database } })
    }
    const register = async (gateway: TestGateway, id: string): Promise<void> => {
      const instance = { id, endpoint: upstream.url, headers: { 'x-secret': `canary-${id}` } }
      const made = await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
      expect([made.status, made.json.probe.ok]).toEqual([201, true])
    }
    const sees = (gateway: TestGateway, ...ids: string[]): Promise<unknown> =>
      waitFor(async () => {
        const { instances } = (await gateway.get('/mcp/fs/health')).json
        return ids.every((id) => instances?.[id]?.healthy === true)
      })
    let [one, two] = [await on(0, A), await on(1, A, B)]
    await register(one, 'a')
    await sees(two, 'a')
    await one.close()
    one = await on(0, A, B)
    await two.close()
    two = await on(1, B, A)
    // The first node has not been told to use the new key, and goes on with the old one.
    await register(one, 'b')
    await register(two, 'c')
    await sees(one, 'a', 'b', 'c')
    await sees(two, 'a', 'b', 'c')
    await one.close()
    one = await on(0, A, B)
    await sees(one, 'a', 'b', 'c')
    await one.close()
    one = await on(0, B, A)
    await waitFor(async () => (await keysOfRows(database)).join() === B.id, { what: 'rows are under the new key' })
    await two.close()
    two = await on(1, B)
    await sees(two, 'a', 'b', 'c')
    await sees(one, 'a', 'b', 'c')
    await Promise.all([one.close(), two.close()])
    await upstream.stop()
  })
})
