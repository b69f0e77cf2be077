import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { Cluster } from './support.js'

describe('workers with authentication', () => {
  let server: FaultServer
  let cluster: Cluster

  beforeAll(async () => {
    server = await startFaultServer()
    cluster = await Cluster.start({ workers: 2, auth: true, 'rate-limit': ['tool:fs/limited=2/h'] })
  }, 30_000)
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
      timeoutMs: 3_000,
      what: 'no worker takes the key any more',
    })
    const verified = (await cluster.admin('GET', '/auth/audit/verify')).json
    expect(verified.ok).toBe(true)
    expect(verified.trails[1].records).toBeGreaterThanOrEqual(8)
  })

  it('divide a limit among them', async () => {
    const { api_key: key } = (await cluster.admin('POST', '/auth/api-keys', { name: 'l', role: 'user' })).json
    await waitFor(async () => (await each(key)).every((status) => status === 200), { what: 'all workers know the key' })
    const statuses: number[] = []
    for (let n = 0; n < 10; n++) statuses.push(await call(key, 'limited'))
    expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(2)
  })
})
