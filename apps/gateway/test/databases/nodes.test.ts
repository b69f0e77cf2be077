import { expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { openStores } from '../../src/index.js'
import { instance, type NodeProcess, onServers, startNode } from './support.js'

const instances = async (node: NodeProcess): Promise<{ id: string; weight: number }[]> =>
  (await node.get('/gateway/registry')).json.templates.fs?.instances ?? []

/** No machine is so busy that a heartbeat is older. */
const HOUR_MS = 3_600_000

const ids = async (node: NodeProcess): Promise<string[]> => (await instances(node)).map(({ id }) => id)

const sees = (node: NodeProcess, wanted: (seen: string[]) => boolean) =>
  waitFor(async () => wanted(await ids(node)), { what: 'the other node has it' })

await onServers((server) => {
  it('is made ready by one of two gateways that start at once, and both serve', async () => {
    const database = await server.createDatabase()
    const [a, b] = await Promise.all([startNode({ database }), startNode({ database })])
    for (const node of [a, b]) {
      expect((await node.get('/gateway/health')).json).toMatchObject({ status: 'empty', database: 'ok' })
    }
    const stores = await openStores({ database, schema: 'require' })
    expect(stores.warning()).toBeUndefined()
    await stores.close()
    await Promise.all([a.stop(), b.stop()])
  })

  it('carries a change on one node to the others, also after kill -9 of the one that made it', async () => {
    const database = await server.createDatabase()
    const [a, b] = await Promise.all([startNode({ database }), startNode({ database })])
    expect((await a.admin('POST', '/gateway/register', instance('one'))).status).toBe(201)
    await sees(b, (seen) => seen.includes('one'))
    expect((await b.admin('PATCH', '/gateway/templates/fs/instances/one', { weight: 7 })).status).toBe(200)
    await waitFor(async () => (await instances(a))[0]?.weight === 7)

    expect((await a.admin('POST', '/gateway/register', instance('two'))).status).toBe(201)
    await a.kill9()
    await sees(b, (seen) => seen.includes('two'))
    expect((await b.admin('DELETE', '/gateway/deregister/fs/one')).status).toBe(200)
    const c = await startNode({ database, stateDir: a.stateDir })
    expect(await ids(c)).toEqual(['two'])
    await Promise.all([b.stop(), c.stop()])
  })

  it('loses nothing of what two nodes write at once', async () => {
    const database = await server.createDatabase()
    const [a, b] = await Promise.all([startNode({ database }), startNode({ database })])
    const each = Array.from({ length: 20 }, (_, n) => n)
    const answers = await Promise.all(
      each.flatMap((n) => [
        a.admin('POST', '/gateway/register', instance(`a-${n}`)),
        b.admin('POST', '/gateway/register', instance(`b-${n}`)),
      ]),
    )
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 201))
    const wanted = each.flatMap((n) => [`a-${n}`, `b-${n}`]).toSorted()
    await Promise.all([a, b].map((node) => sees(node, (seen) => seen.toSorted().join() === wanted.join())))
    const stores = await openStores({ database })
    expect((await stores.registry.load()).version).toBe(40)
    await stores.close()
    await Promise.all([a.stop(), b.stop()])
  })

  it('knows its nodes: one that stops leaves, one that is killed stays until its heartbeat is old', async () => {
    const database = await server.createDatabase()
    const [a, b] = await Promise.all([startNode({ database }), startNode({ database })])
    const stores = await openStores({ database })
    const pids = async (): Promise<unknown[]> => {
      const nodes = await stores.nodes.live(HOUR_MS)
      return nodes.map((node) => node.details['pid']).toSorted()
    }
    await waitFor(async () => (await pids()).length === 2)
    expect(await pids()).toEqual([a.pid, b.pid].toSorted())
    await b.stop()
    expect(await pids()).toEqual([a.pid])
    await a.kill9()
    expect(await pids()).toEqual([a.pid])
    expect(await stores.nodes.live(-1)).toEqual([])
    await stores.close()
  })

  it('lets one node at a time do what is done once, and another one after it', async () => {
    const database = await server.createDatabase()
    const [a, b] = await Promise.all([startNode({ database }), startNode({ database })])
    const stores = await openStores({ database })
    const lease = () =>
      stores.kysely.selectFrom('leases').selectAll().where('name', '=', 'retention').executeTakeFirst()
    const held = await waitFor(async () => ((await lease())?.owner === '-' ? undefined : lease()))
    expect(await stores.leases.take('retention', 'a stranger', 1_000)).toBeUndefined()
    await Promise.all([a.stop(), b.stop()])
    // The one that stops last may have had it in between.
    const next = await stores.leases.take('retention', 'a stranger', 1_000)
    expect(next?.generation).toBeGreaterThan(Number(held.generation))
    await stores.close()
  })
})
