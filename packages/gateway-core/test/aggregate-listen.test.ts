import { afterEach, describe, expect, it } from '@jest/globals'
import { startFaultServer } from '@mcp-platform/test-kit'
import { type EventReader, openStream, subscribe } from './support/event-reader.js'
import { type Harness, startGateway } from './support/harness.js'
import { type ListenServer, startListenServer } from './support/listen-server.js'
import { LegacySession, modern } from './support/mcp.js'

const CHANGED = 'notifications/tools/list_changed'
const UPDATED = 'notifications/resources/updated'
const WANTED = { toolsListChanged: true, resourceSubscriptions: ['test://one'] }

let harness: Harness | undefined
let gone = new AbortController()
const servers: ListenServer[] = []

afterEach(async () => {
  gone.abort()
  gone = new AbortController()
  await harness?.stop()
  harness = undefined
  for (const server of servers.splice(0)) await server.stop()
})

const url = () => `${harness?.base}/mcp`

async function serve(): Promise<ListenServer> {
  const server = await startListenServer()
  servers.push(server)
  return server
}

async function register(template: string): Promise<ListenServer> {
  const server = await serve()
  const instance = { id: 'one', endpoint: server.url }
  await harness?.registry.register({ template_name: template, instance }, { by: { actor: 'test' } })
  return server
}

async function modernStream(): Promise<EventReader> {
  const reader = await subscribe(url(), WANTED, gone.signal)
  await reader.until('notifications/subscriptions/acknowledged')
  return reader
}

async function legacyStream(): Promise<EventReader> {
  const session = await LegacySession.open(url())
  const reader = await openStream(url(), session.id, gone.signal)
  for (const server of servers) await server.untilOpen(1)
  return reader
}

const toolNames = async (): Promise<string[]> => {
  const { response } = await modern(url(), 'tools/list')
  return Object(response?.['result']).tools.map(({ name }: { name: string }) => name)
}

describe.each([
  ['a subscription of a 2026 client', modernStream],
  ['the stream of a 2025 client', legacyStream],
] as const)('%s on /mcp', (_who, open) => {
  it('hears that a template was registered, and what it says from then on', async () => {
    const first = await serve()
    harness = await startGateway({ a: [{ id: 'one', endpoint: first.url }] })
    const reader = await open()
    const late = await register('b')
    await reader.until(CHANGED)
    expect(await toolNames()).toEqual(['a__one', 'b__one'])
    await late.untilOpen(1)
    late.announce(CHANGED)
    await reader.until(CHANGED, 2)
  })

  it('hears of the first template of all', async () => {
    harness = await startGateway({})
    const reader = await open()
    await register('a')
    await reader.until(CHANGED)
    expect(await toolNames()).toEqual(['a__one'])
  })

  it('hears that a template was deleted, and lets its servers go', async () => {
    const [first, second] = [await serve(), await serve()]
    harness = await startGateway({
      a: [{ id: 'one', endpoint: first.url }],
      b: [{ id: 'one', endpoint: second.url }],
    })
    const reader = await open()
    await harness.registry.deregister('b', 'one', { actor: 'test' })
    await reader.until(CHANGED)
    await second.untilOpen(0)
    expect(await toolNames()).toEqual(['a__one'])
    first.announce(CHANGED)
    await reader.until(CHANGED, 2)
  })
})

it('a resource that no template has yet is subscribed to once one has it', async () => {
  harness = await startGateway({})
  const reader = await modernStream()
  const late = await register('a')
  await late.untilOpen(1)
  late.announce(UPDATED, { uri: 'test://one' })
  await reader.until(UPDATED)
})

it('a template that is deleted and registered again is heard again, on its own URL too', async () => {
  const server = await serve()
  harness = await startGateway({ a: [{ id: 'one', endpoint: server.url }] })
  const own = await subscribe(`${harness.base}/mcp/a`, WANTED, gone.signal)
  await own.until('notifications/subscriptions/acknowledged')
  await harness.registry.deregister('a', 'one', { actor: 'test' })
  await server.untilOpen(0)
  const next = await register('a')
  await next.untilOpen(1)
  await own.until(CHANGED)
  next.announce(CHANGED)
  await own.until(CHANGED, 2)
})

it('a template whose server does not answer is left out of a list, and is seen in the events and in the statistics', async () => {
  const fine = await serve()
  const silent = await startFaultServer(
    ({ rpcMethod }) => (rpcMethod === 'tools/list' ? { kind: 'silence' } : undefined),
    {
      era: 'modern',
    },
  )
  try {
    harness = await startGateway({
      a: [{ id: 'one', endpoint: fine.url }],
      b: [{ id: 'one', endpoint: silent.url }],
    })
    expect(await toolNames()).toEqual(['a__one'])
    expect(harness.events).toContainEqual(
      expect.objectContaining({ type: 'list-failed', template: 'b', method: 'tools/list' }),
    )
    expect(harness.gateway.stats().templates).toMatchObject({ a: { errors: 0 }, b: { errors: 1 } })
  } finally {
    // The gateway first: a connection that the server resets while it still owes an answer keeps the server's process alive.
    await harness?.stop()
    harness = undefined
    await silent.stop()
  }
})
