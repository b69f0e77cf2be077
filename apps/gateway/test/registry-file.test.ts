import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer, tempDir, waitFor } from '@mcp-platform/test-kit'
import { start } from './helpers.js'

describe('a registry file', () => {
  let server: FaultServer

  beforeAll(async () => {
    server = await startFaultServer()
  })
  afterAll(() => server.stop())

  async function newFile(content: unknown): Promise<string> {
    const path = join((await tempDir()).path, 'registry.json')
    await writeFile(path, JSON.stringify(content))
    return path
  }

  // Replaced by rename, as editors and deployment tools do.
  async function replace(path: string, content: string): Promise<void> {
    await writeFile(`${path}.new`, content)
    await rename(`${path}.new`, path)
  }

  it('is loaded at start, one bad entry reported by its path and the others kept', async () => {
    const file = await newFile({
      templates: {
        fs: {
          load_balancer: { strategy: 'least_connections' },
          instances: [{ id: 'good', endpoint: server.url }, { endpoint: 'nope' }],
        },
      },
    })
    const gateway = await start({ flags: { 'registry-file': file } })
    const { json } = await gateway.get('/gateway/registry')
    expect(json.templates.fs.instances).toMatchObject([{ id: 'good', source: `file:${file}`, status: 'healthy' }])
    expect(json.templates.fs.load_balancer.strategy).toBe('least_connections')
    expect(json.sources).toMatchObject([
      { source: `file:${file}`, ok: true, instances: 1, errors: [{ path: 'templates.fs.instances[1].endpoint' }] },
    ])
    const lines = gateway.logs.map((line) => JSON.parse(line))
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 40, msg: 'an entry is left out', path: 'templates.fs.instances[1].endpoint' }),
    )
    await gateway.close()
  })

  it('brings back what is deregistered by hand, and the answer says that it will', async () => {
    const file = await newFile({ templates: { fs: { instances: [{ id: 'a', endpoint: server.url }] } } })
    const gateway = await start({ flags: { 'registry-file': file } })
    const source = `file:${file}`
    const removed = await gateway.admin('DELETE', '/gateway/deregister/fs/a')
    expect(removed.json).toEqual({
      message: `fs/a is removed; ${source} still declares it and brings it back when it is read again`,
      in_flight: 0,
      source,
      returns: true,
    })
    const synced = await gateway.admin('POST', '/gateway/sync')
    expect(synced.json.added).toEqual([{ template_name: 'fs', instance_id: 'a' }])

    await gateway.admin('POST', '/gateway/register', {
      template_name: 'fs',
      instance: { id: 'b', endpoint: server.url },
    })
    const own = await gateway.admin('DELETE', '/gateway/deregister/fs/b')
    expect(own.json).toEqual({ message: 'fs/b is removed', in_flight: 0, source: 'api', returns: false })
    await gateway.close()
  })

  it('is followed while the gateway runs; a broken one changes nothing and says so', async () => {
    const file = await newFile({ templates: { fs: { instances: [{ id: 'a', endpoint: server.url }] } } })
    const gateway = await start({ flags: { 'registry-file': file } })
    const ids = async (): Promise<string[]> =>
      (await gateway.get('/gateway/registry')).json.templates.fs?.instances.map(({ id }: { id: string }) => id)
    await replace(file, '{"templates":')
    await waitFor(async () => (await gateway.get('/gateway/registry')).json.sources[0].ok === false)
    expect(await ids()).toEqual(['a'])
    const instances = [
      { id: 'a', endpoint: server.url },
      { id: 'b', endpoint: server.url },
    ]
    await replace(file, JSON.stringify({ templates: { fs: { instances } } }))
    await waitFor(async () => (await ids()).length === 2)
    const health = await waitFor(async () => {
      const { json } = await gateway.get('/mcp/fs/health')
      return json.status === 'healthy' && json
    })
    expect(Object.keys(health.instances)).toEqual(['a', 'b'])
    await gateway.close()
  })

  it('may be YAML; a broken one is told by its place, where people look', async () => {
    const file = join((await tempDir()).path, 'registry.yaml')
    await writeFile(file, `templates:\n  fs:\n    instances:\n      - id: a\n        endpoint: ${server.url}\n`)
    const gateway = await start({ flags: { 'registry-file': file } })
    expect((await gateway.get('/gateway/registry')).json.templates.fs.instances).toMatchObject([
      { id: 'a', source: `file:${file}` },
    ])
    await replace(file, 'templates:\n  fs: {hunter2\n')
    const { json } = await gateway.admin('POST', '/gateway/sync')
    expect(json.sources[0].ok).toBe(false)
    expect(json.sources[0].errors[0].message).toMatch(/registry\.yaml: is not valid YAML \(line \d+ column \d+: \w+\)$/)
    expect((await gateway.get('/gateway/registry')).json.templates.fs.instances).toHaveLength(1)
    await gateway.close()
  })

  it('keeps its ids: a registration of one is refused and told who owns it', async () => {
    const file = await newFile({ templates: { fs: { instances: [{ id: 'a', endpoint: server.url }] } } })
    const gateway = await start({ flags: { 'registry-file': file } })
    const body = { template_name: 'fs', instance: { id: 'a', endpoint: 'http://127.0.0.1:1' } }
    const { status, json } = await gateway.admin('POST', '/gateway/register?replace=true', body)
    expect(status).toBe(409)
    expect(json).toMatchObject({ code: 'CONFLICT', template: 'fs', instance_id: 'a', source: `file:${file}` })
    await gateway.close()
  })

  it('is read on demand, and only with --sync at start', async () => {
    const file = await newFile({ templates: { fs: { instances: [{ id: 'a', endpoint: server.url }] } } })
    const off = await start({ flags: { 'registry-file': file, sync: false } })
    expect((await off.get('/gateway/registry')).json.templates).toEqual({})
    const plan = await off.admin('POST', '/gateway/sync?dry_run=true')
    expect(plan.json.added).toEqual([{ template_name: 'fs', instance_id: 'a' }])
    expect((await off.get('/gateway/registry')).json.templates).toEqual({})
    const { status, json } = await off.admin('POST', '/gateway/sync')
    expect(status).toBe(200)
    expect(json).toMatchObject({ added: [{ template_name: 'fs', instance_id: 'a' }], sources: [{ ok: true }] })
    await replace(file, '[]')
    const broken = (await off.admin('POST', '/gateway/sync')).json
    expect(broken.sources[0]).toMatchObject({ ok: false })
    expect((await off.get('/gateway/templates')).json.count).toBe(1)
    await off.close()
  })
})
