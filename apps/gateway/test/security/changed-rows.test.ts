import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { everythingStdio, startFaultServer, tempDir, waitFor } from '@mcp-platform/test-kit'
import { openStores, type Stores } from '../../src/index.js'
import { start, type TestGateway } from '../helpers.js'

/** Does what somebody does who can write to the database, and has no master key. */
async function inDatabase(gateway: TestGateway, change: (db: Stores['kysely']) => Promise<unknown>): Promise<void> {
  const stores = await openStores({ database: `sqlite://${join(gateway.stateDir, 'gateway.db')}`, schema: 'skip' })
  try {
    await change(stores.kysely)
  } finally {
    await stores.close()
  }
}

const health = async (gateway: TestGateway, template: string, id: string) =>
  (await gateway.get(`/mcp/${template}/health`)).json.instances?.[id]

describe('a row that was changed in the database', () => {
  it('starts no command, neither while the gateway runs nor after, and says so in instance, log and audit trail', async () => {
    const folder = (await tempDir()).path
    const canary = join(folder, 'canary')
    const env = { MCPP_STATE_DIR: join(folder, 'state') }
    const gateway = await start({ env })
    const { command, args } = everythingStdio()
    const body = { template_name: 'std', instance: { id: 's', command, args } }
    expect((await gateway.admin('POST', '/gateway/register?probe=true', body)).json.probe.ok).toBe(true)
    await inDatabase(gateway, async (db) => {
      const { spec } = await db.selectFrom('instances').select('spec').executeTakeFirstOrThrow()
      const changed = {
        ...JSON.parse(spec),
        attach: { kind: 'stdio', command: '/usr/bin/touch', args: [canary], env: {} },
      }
      const v = Number((await db.selectFrom('registry_version').select('v').executeTakeFirstOrThrow()).v) + 1
      await db.updateTable('registry_version').set({ v }).execute()
      await db
        .updateTable('instances')
        .set({ spec: JSON.stringify(changed), v })
        .execute()
    })
    await waitFor(async () => (await health(gateway, 'std', 's'))?.healthy === false, { what: 'the change is seen' })
    const reason = expect.stringMatching(/its row in the database was changed behind the gateway/)
    expect(await health(gateway, 'std', 's')).toMatchObject({ healthy: false, reason })
    expect((await gateway.admin('POST', '/mcp/std/tools/call', { name: 'echo', arguments: {} })).status).toBe(503)
    expect(gateway.logs.filter((line) => line.includes('changed in the database by somebody else'))).toHaveLength(1)
    await waitFor(async () => {
      const { events } = (await gateway.admin('GET', '/auth/audit?action=registry.untrusted')).json
      return events.length === 1 && events[0].target === 'std/s'
    })
    await gateway.close()

    const again = await start({ env })
    expect(await health(again, 'std', 's')).toMatchObject({ healthy: false, reason })
    expect((await again.admin('PATCH', '/gateway/templates/std/instances/s', { weight: 2 })).status).toBe(200)
    expect((await again.admin('POST', '/gateway/register', body)).status).toBe(409)
    const healed = await again.admin('POST', '/gateway/register?replace=true&probe=true', body)
    expect(healed.json.probe).toMatchObject({ ok: true })
    expect(existsSync(canary)).toBe(false)
    expect((await again.admin('GET', '/auth/audit/verify')).json.ok).toBe(true)
    await again.close()
  })

  it('that makes a file its source is not taken for one of a file, where only those may start', async () => {
    const folder = (await tempDir()).path
    const canary = join(folder, 'canary')
    const env = { MCPP_STATE_DIR: join(folder, 'state') }
    const first = await start({ env })
    const body = { template_name: 'std', instance: { id: 's', command: `/usr/bin/touch ${canary}` } }
    await first.admin('POST', '/gateway/register', { ...body, instance: { ...body.instance, command: '/bin/true' } })
    await first.close()
    await inDatabase(first, async (db) => {
      const attach = { kind: 'stdio', command: '/usr/bin/touch', args: [canary], env: {} }
      const { spec } = await db.selectFrom('instances').select('spec').executeTakeFirstOrThrow()
      const changed = JSON.stringify({ ...JSON.parse(spec), attach })
      await db.updateTable('instances').set({ source: 'file:/etc/registry.json', spec: changed }).execute()
    })
    const next = await start({ env, flags: { 'stdio-mode': 'profiles' } })
    expect((await health(next, 'std', 's')).healthy).toBe(false)
    await next.close()
    expect(existsSync(canary)).toBe(false)
  })

  it('runs no command that checks health', async () => {
    const server = await startFaultServer()
    const folder = (await tempDir()).path
    const canary = join(folder, 'canary')
    const env = { MCPP_STATE_DIR: join(folder, 'state') }
    const first = await start({ env })
    await first.admin('POST', '/gateway/register', { template_name: 'fs', instance: { id: 'a', endpoint: server.url } })
    await first.close()
    const settings = JSON.stringify({ healthCheck: { kind: 'command', command: '/usr/bin/touch', args: [canary] } })
    await inDatabase(first, (db) =>
      db.updateTable('load_balancer_configs').set({ settings, override_settings: settings }).execute(),
    )
    const next = await start({ env })
    expect((await health(next, 'fs', 'a')).healthy).toBe(true)
    expect(next.logs.join('')).toContain('the health check of fs was changed in the database by somebody else')
    await next.close()
    expect(existsSync(canary)).toBe(false)
    await server.stop()
  })

  it('gives the credentials of a server to nobody else', async () => {
    const server = await startFaultServer()
    const thief = await startFaultServer()
    const folder = (await tempDir()).path
    const env = { MCPP_STATE_DIR: join(folder, 'state') }
    const first = await start({ env })
    const headers = { authorization: 'Bearer canary-of-an-upstream' }
    const instance = { id: 'a', endpoint: server.url, headers }
    await first.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
    await first.close()
    await inDatabase(first, async (db) => {
      const { spec } = await db.selectFrom('instances').select('spec').executeTakeFirstOrThrow()
      await db
        .updateTable('instances')
        .set({ spec: spec.replaceAll(server.url, thief.url) })
        .execute()
    })
    const next = await start({ env })
    const { healthy, reason } = await health(next, 'fs', 'a')
    expect([healthy, reason]).toEqual([false, expect.stringContaining('the instance is not trusted')])
    const called = await next.admin('POST', '/mcp/fs/tools/call', { name: 'echo' })
    expect([called.status, called.json.code, called.json.executed]).toEqual([503, 'NO_INSTANCE_AVAILABLE', 'no'])
    await next.close()
    expect(thief.requests).toEqual([])
    await server.stop()
    await thief.stop()
  })
})
