import { afterEach, describe, expect, it } from '@jest/globals'
import { type EventReader, openStream, subscribe } from './support/event-reader.js'
import { type Harness, startGateway } from './support/harness.js'
import { type ListenServer, startListenServer } from './support/listen-server.js'
import { LegacySession } from './support/mcp.js'

const CHANGED = 'notifications/tools/list_changed'
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
const UPDATED = 'notifications/resources/updated'

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

async function start(count: number, options: Parameters<typeof startGateway>[1] = {}): Promise<void> {
  for (let at = 0; at < count; at++) servers.push(await startListenServer())
  const instances = servers.map(({ url }, index) => ({ id: `i${index}`, endpoint: url }))
  harness = await startGateway({ t: instances }, options)
}

const url = () => `${harness?.base}/mcp/t`
const register = (id: string, endpoint: string) =>
  harness?.registry.register({ template_name: 't', instance: { id, endpoint } }, { by: { actor: 'test' } })

async function subscribed(): Promise<EventReader> {
  const reader = await subscribe(url(), { toolsListChanged: true, resourceSubscriptions: ['test://one'] }, gone.signal)
  await reader.until(ACKNOWLEDGED)
  return reader
}

async function legacy(): Promise<EventReader> {
  const session = await LegacySession.open(url())
  const reader = await openStream(url(), session.id, gone.signal)
  // The session hears of no acknowledgement: an instance is listened to when what it says arrives.
  for (const [at, server] of servers.entries()) {
    await server.untilOpen(1)
    server.announce('notifications/prompts/list_changed')
    await reader.until('notifications/prompts/list_changed', at + 1)
  }
  return reader
}

// What is to come has come when something that was said after it has.
async function settled(reader: EventReader): Promise<void> {
  const marks = reader.of('notifications/prompts/list_changed').length
  servers[0]?.announce('notifications/prompts/list_changed')
  await reader.until('notifications/prompts/list_changed', marks + 1)
}

describe.each([
  ['a subscription of a 2026 client', subscribed],
  ['the stream of a 2025 client on 2026 servers', legacy],
] as const)('%s', (_who, open) => {
  it('hears every instance, and once what all of them say', async () => {
    await start(3)
    const reader = await open()
    for (const [at, server] of servers.entries()) {
      server.announce(CHANGED)
      await reader.until(CHANGED, at + 1)
    }
    for (const server of servers) server.announce(CHANGED)
    await reader.until(CHANGED, 4)
    await settled(reader)
    expect(reader.of(CHANGED)).toHaveLength(4)
  })

  it('hears an instance that is registered later', async () => {
    await start(1)
    const reader = await open()
    const late = await startListenServer()
    servers.push(late)
    await register('late', late.url)
    await late.untilOpen(1)
    late.announce(CHANGED)
    await reader.until(CHANGED)
  })

  it.each(['gracefully', 'abruptly'] as const)(
    'goes on when its instance ends it %s, and is told once of what it may have missed',
    async (how) => {
      await start(1)
      const reader = await open()
      servers[0]?.endAll(how)
      await reader.until(CHANGED)
      expect(servers[0]?.opened).toBe(2)
      await settled(reader)
      expect(reader.of(CHANGED)).toHaveLength(1)
    },
  )

  it('moves to an instance that takes the place of a dead one, and is told so once', async () => {
    await start(2)
    const reader = await open()
    await servers.pop()?.stop()
    await harness?.registry.deregister('t', 'i1', { actor: 'test' })
    await reader.until(CHANGED)
    const next = await startListenServer()
    servers.push(next)
    await register('i2', next.url)
    await next.untilOpen(1)
    await settled(reader)
    expect(reader.of(CHANGED)).toHaveLength(1)
    next.announce(CHANGED)
    await reader.until(CHANGED, 2)
  })
})

describe('a template that is removed', () => {
  const remove = () => harness?.registry.deregister('t', 'i0', { actor: 'test' })

  it('ends a subscription of a 2026 client, which is told why', async () => {
    await start(1)
    const reader = await subscribed()
    await remove()
    await reader.ended
    expect(reader.messages.at(-1)).toMatchObject({ id: 'sub', error: { data: { code: 'TEMPLATE_NOT_FOUND' } } })
    await servers[0]?.untilOpen(0)
  })

  it('ends the session and the stream of a 2025 client on 2026 servers', async () => {
    await start(1)
    const session = await LegacySession.open(url())
    const reader = await openStream(url(), session.id, gone.signal)
    await servers[0]?.untilOpen(1)
    await remove()
    await reader.ended
    await register('i0', String(servers[0]?.url))
    expect((await session.call('tools/list')).status).toBe(404)
  })

  it('ends nothing when it is registered again at once', async () => {
    await start(1)
    const reader = await subscribed()
    await remove()
    await register('i1', String(servers[0]?.url))
    await reader.until(CHANGED)
    await settled(reader)
    expect(reader.of(ACKNOWLEDGED)).toHaveLength(1)
  })
})

describe('a subscription of a 2026 client', () => {
  it('is acknowledged once, under the id of its client, and told of resources too that it may have missed', async () => {
    await start(2)
    const reader = await subscribed()
    servers[1]?.endAll('abruptly')
    await reader.until(UPDATED)
    expect(reader.of(ACKNOWLEDGED)).toHaveLength(1)
    expect(reader.of(UPDATED)).toMatchObject([{ params: { uri: 'test://one' } }])
    const tags = reader.messages.map(({ params }) => Object(params)._meta['io.modelcontextprotocol/subscriptionId'])
    expect(new Set(tags)).toEqual(new Set(['sub']))
  })

  it('ends with a result when it has had its time, and lets its instances go', async () => {
    await start(2, { subscriptionMaxAgeMs: 300 })
    const reader = await subscribed()
    await reader.ended
    expect(reader.messages.at(-1)).toEqual({
      jsonrpc: '2.0',
      id: 'sub',
      result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'sub' } },
    })
    for (const server of servers) await server.untilOpen(0)
  })

  it('ends with a result when the gateway stops', async () => {
    await start(1)
    const reader = await subscribed()
    await harness?.gateway.close({ graceMs: 0 })
    await reader.ended
    expect(reader.messages.at(-1)).toMatchObject({ id: 'sub', result: { resultType: 'complete' } })
  })

  it('is not ended by silence, however short the template’s patience with answers is', async () => {
    await start(1, { settings: { timeouts: { idle: 0.1 } } })
    const reader = await subscribed()
    // The wheel that ends silent answers turns every 50 ms: silence for ten times its time is what is to be survived.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await settled(reader)
    expect([servers[0]?.opened, reader.of(CHANGED).length]).toEqual([1, 0])
  })

  it('counts for its principal once, however many instances it listens to', async () => {
    await start(3, { maxInFlightPerPrincipal: 2 })
    await subscribed()
    await subscribed()
    expect(servers.map(({ open }) => open)).toEqual([2, 2, 2])
  })
})
