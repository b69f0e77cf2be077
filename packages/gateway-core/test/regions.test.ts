import { afterEach, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function server(): Promise<FaultServer> {
  const started = await startFaultServer()
  stops.push(() => started.stop())
  return started
}

const SETTINGS = { load_balancer: { health_check_interval: 0.2 } }

async function inRegion(region: string | undefined, servers: Readonly<Record<string, FaultServer>>): Promise<Harness> {
  const instances = Object.entries(servers).map(([name, { url }]) => {
    const [id = '', of] = name.split('@')
    return { id, endpoint: url, ...(of === undefined ? {} : { region: of }) }
  })
  const started = await startGateway({ t: instances }, { region, settings: SETTINGS })
  stops.push(() => started.stop())
  return started
}

/** Calls a tool, and says how that ended and who answered. */
async function call({ base }: Harness, name = 'read_only_echo') {
  const response = await fetch(`${base}/mcp/t/tools/call`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, arguments: {} }),
  })
  await response.arrayBuffer()
  return { status: response.status, by: response.headers.get('x-gateway-instance') }
}

async function answering(harness: Harness, times = 12): Promise<string[]> {
  const calls = await Promise.all(Array.from({ length: times }, () => call(harness)))
  expect(calls.map(({ status }) => status)).toEqual(calls.map(() => 200))
  return [...new Set(calls.map(({ by }) => by ?? ''))].toSorted()
}

describe('a node in a region', () => {
  it('uses instances of its own region and of none', async () => {
    const servers = { 'a@eu': await server(), 'b@us': await server(), c: await server() }
    expect(await answering(await inRegion('eu', servers))).toEqual(['a', 'c'])
    expect(await answering(await inRegion('us', servers))).toEqual(['b', 'c'])
    expect(await answering(await inRegion(undefined, servers))).toEqual(['a', 'b', 'c'])
  })

  it('uses any other when none of its own is available, and its own again when one is back', async () => {
    const own = await server()
    const harness = await inRegion('eu', { 'a@eu': own, 'b@us': await server(), 'c@ap': await server() })
    expect(await answering(harness)).toEqual(['a'])
    const port = own.port
    await own.stop()
    await waitFor(() => harness.gateway.templateHealth('t').instances['a']?.healthy === false)
    expect(await answering(harness)).toEqual(['b', 'c'])
    const back = await startFaultServer(undefined, { port })
    stops.push(() => back.stop())
    await waitFor(() => harness.gateway.templateHealth('t').instances['a']?.healthy === true)
    await waitFor(async () => (await answering(harness)).join() === 'a')
  })

  it('goes on in another region at once with a call that failed on everything in its own', async () => {
    const own = await server()
    const harness = await inRegion('eu', { 'a@eu': own, 'b@us': await server() })
    await own.stop()
    expect(await call(harness)).toEqual({ status: 200, by: 'b' })
  })

  it('uses none of another region that is not fit either', async () => {
    const [own, other] = [await server(), await server()]
    const harness = await inRegion('eu', { 'a@eu': own, 'b@us': other })
    await Promise.all([own.stop(), other.stop()])
    const { status } = await call(harness)
    expect([502, 503]).toContain(status)
  })

  it('follows an instance that moves, and says why one is not used', async () => {
    const harness = await inRegion('eu', { 'a@eu': await server(), 'b@us': await server() })
    const reasons = () => harness.gateway.explain('t').instances.map(({ instance_id, reason }) => [instance_id, reason])
    expect(reasons()).toEqual([
      ['a', 'would get the next call'],
      ['b', 'is in us, for when nothing of this region is available'],
    ])
    const { url } = await server()
    await harness.registry.register(
      { template_name: 't', instance: { id: 'b', endpoint: url, region: 'eu' } },
      { by: { actor: 'test' }, replace: true },
    )
    await waitFor(async () => (await answering(harness)).join() === 'a,b')
  })
})
