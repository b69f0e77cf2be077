import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import { type NodeProcess, onServer, startNode } from './support.js'

const CHECK = { health_check: { kind: 'http', path: '/healthz' }, load_balancer: { health_check_interval: 0.2 } }

/** When this node has probed the instance itself. */
const checkedAt = async (node: NodeProcess): Promise<string> =>
  (await node.get('/mcp/fs/health')).json.instances.x.last_health_check

await onServer('PostgreSQL', startPostgres, (server) => {
  it('probes an instance that nobody uses from one node, and from the other when that one has died', async () => {
    let probes = 0
    const upstream = createServer((_request, response) => {
      probes += 1
      response.end()
    })
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const endpoint = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/mcp`
    const database = await server.createDatabase()
    const nodes = await Promise.all([startNode({ database }), startNode({ database })])
    const templates = { fs: { ...CHECK, instances: [{ id: 'x', endpoint }] } }
    expect((await nodes[0].admin('POST', '/gateway/import', { templates })).status).toBe(200)

    /** Which of the nodes probed while the instance was probed five times. */
    const active = async (): Promise<NodeProcess[]> => {
      const [before, until] = [await Promise.all(nodes.map(checkedAt)), probes + 5]
      await waitFor(() => probes >= until, { what: 'it is probed' })
      const after = await Promise.all(nodes.map(checkedAt))
      return nodes.filter((_, n) => before[n] !== after[n])
    }
    await waitFor(async () => (await nodes[1].get('/mcp/fs/health')).status === 200)
    // A node learns of another one with its next heartbeat.
    let found: NodeProcess[] = []
    const settled = async (): Promise<boolean> => {
      found = await active()
      return found.length === 1
    }
    await waitFor(settled, { what: 'one of them probes' })
    const [owner] = found
    const heir = nodes.find((node) => node !== owner)
    if (owner === undefined || heir === undefined) throw new Error('one of two probes')
    const last = await checkedAt(heir)
    await owner.kill9()
    await waitFor(async () => (await checkedAt(heir)) !== last, { what: 'the other one takes over' })
    await heir.stop()
    upstream.closeAllConnections()
    upstream.close()
  })
})
