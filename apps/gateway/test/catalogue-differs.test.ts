import { expect, it } from '@jest/globals'
import { echoTool, slowTool, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { start } from './helpers.js'

it('health, registry and template say that the instances of a template offer different tools, until one goes', async () => {
  const servers = [
    await startFaultServer(undefined, { tools: [echoTool] }),
    await startFaultServer(undefined, { tools: [echoTool, slowTool] }),
  ]
  try {
    const gateway = await start()
    for (const [n, { url: endpoint }] of servers.entries()) {
      const body = { template_name: 'fs', instance: { id: `i${n}`, endpoint } }
      expect((await gateway.admin('POST', '/gateway/register?probe=true', body)).status).toBe(201)
    }
    const differs = async () => (await gateway.get('/mcp/fs/health')).json.catalogue_differs
    await waitFor(async () => (await differs()) === true, { what: 'the difference was seen' })
    expect((await gateway.get('/gateway/registry')).json.templates.fs.catalogue_differs).toBe(true)
    expect((await gateway.get('/gateway/templates/fs')).json.catalogue_differs).toBe(true)
    await gateway.admin('DELETE', '/gateway/deregister/fs/i1')
    await waitFor(async () => (await differs()) === false, { what: 'it was forgotten' })
    await gateway.close()
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
})
