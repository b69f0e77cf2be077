import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { everythingStdio, startFaultServer, tempDir, waitFor } from '@mcp-platform/test-kit'
import { start } from '../helpers.js'
import { as, startSecured, userToken } from './support.js'

describe('a command', () => {
  it('in the database is asked about again at every start: a mode that forbids it forbids it', async () => {
    const server = await startFaultServer()
    const folder = (await tempDir()).path
    const canary = join(folder, 'canary')
    const first = await start({ stateDir: join(folder, 'state'), env: { MCPP_STATE_DIR: join(folder, 'state') } })
    await first.admin('POST', '/gateway/register', { template_name: 'fs', instance: { id: 'a', endpoint: server.url } })
    const { command, args } = everythingStdio()
    await first.admin('POST', '/gateway/register', { template_name: 'std', instance: { id: 's', command, args } })
    const check = { health_check: { kind: 'command', command: '/usr/bin/touch', args: [canary] } }
    expect((await first.admin('PATCH', '/gateway/templates/fs', check)).status).toBe(200)
    await waitFor(() => existsSync(canary), { what: 'the check has run' })
    await first.close()
    await rm(canary)

    for (const mode of ['off', 'profiles']) {
      const next = await start({ env: { MCPP_STATE_DIR: join(folder, 'state') }, flags: { 'stdio-mode': mode } })
      const health = (await next.get('/mcp/fs/health')).json.instances.a
      expect(health).toMatchObject({ healthy: false, status: 'held' })
      expect((await next.get('/mcp/std/health')).json.instances.s.healthy).toBe(false)
      await next.close()
      expect(existsSync(canary)).toBe(false)
    }
    await server.stop()
  })

  it('needs registry:exec by name, whatever the role, on every way in', async () => {
    const gateway = await startSecured()
    const admin = await userToken(gateway, 'admin', { role: 'admin' })
    const exec = await userToken(gateway, 'exec', { role: 'admin', scopes: ['registry:exec'] })
    const { command, args } = everythingStdio()
    const body = { template_name: 'std', instance: { id: 's', command, args } }
    const check = { health_check: { kind: 'command', command: '/bin/true' } }
    const document = { templates: { std: { instances: [{ id: 's', command, args }] } } }
    const refused = [
      await as(gateway, admin, 'POST', '/gateway/register', body),
      await as(gateway, admin, 'POST', '/gateway/import', document),
      await as(gateway, admin, 'POST', '/gateway/import', { mcpServers: { std: { command, args } } }),
    ]
    expect(refused.map(({ status, json }) => [status, json.code])).toEqual(refused.map(() => [403, 'FORBIDDEN']))
    expect((await as(gateway, exec, 'POST', '/gateway/register', body)).status).toBe(201)
    expect((await as(gateway, admin, 'PATCH', '/gateway/templates/std', check)).status).toBe(403)
    const gone = await as(gateway, admin, 'POST', '/gateway/register?replace=true', {
      ...body,
      instance: { ...body.instance, args: ['-e', '1'] },
    })
    expect(gone.status).toBe(403)
    await gateway.close()
  })
})
