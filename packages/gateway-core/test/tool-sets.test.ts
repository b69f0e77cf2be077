import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { subscribe } from './support/event-reader.js'
import { type Harness, type InstanceSpec, startGateway } from './support/harness.js'
import { startListenServer } from './support/listen-server.js'
import { rest } from './support/rest.js'
import { serveTools, type ToolsServer } from './support/tools-server.js'

const child = join(import.meta.dirname, 'support/canary-child.ts')
const CANARY = { name: 'canary', inputSchema: { type: 'object', properties: { canary: { type: 'string' } } } }
const EXTRA = { name: 'extra', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true, title: 'Extra' } }

let harness: Harness | undefined
const servers: { close(): Promise<void> }[] = []

afterEach(async () => {
  await harness?.stop()
  harness = undefined
  for (const server of servers.splice(0)) await server.close()
})

async function tools(...first: Parameters<typeof serveTools>[0]): Promise<ToolsServer> {
  const server = await serveTools(first)
  servers.push(server)
  return server
}

async function start(instances: readonly InstanceSpec[], options: Parameters<typeof startGateway>[1] = {}) {
  harness = await startGateway({ t: instances }, options)
}

const call = (name: string) => rest(harness?.base ?? '', '/mcp/t/tools/call', { name, arguments: { canary: 'x' } })
const events = (type: string) => (harness?.events ?? []).filter((event) => event.type === type)
const heard = (type: string) =>
  waitFor(() => Promise.resolve(events(type).length > 0), { pollMs: 10, what: `no ${type}` })

describe('instances that offer different tools', () => {
  it('are told of once; a call goes only to one that lists the tool, until a deploy makes them agree', async () => {
    const [one, other] = [await tools(EXTRA, CANARY), await tools(CANARY)]
    const stdio = { command: process.execPath, args: [child, 'legacy'] }
    const instances = [
      { id: 'one', endpoint: one.url },
      { id: 'other', endpoint: other.url },
      { id: 'child', ...stdio },
    ]
    await start(instances, { toolCheckMs: 100 })
    await heard('catalogue-differs')
    const asked = one.listed
    await waitFor(() => Promise.resolve(one.listed > asked + 2), { what: 'not asked again' })
    for (let at = 0; at < 6; at++) expect((await call('extra')).status).toBe(200)
    expect(one.called).toEqual(Array(6).fill('extra'))
    for (let at = 0; at < 6; at++) expect((await call('canary')).status).toBe(200)
    expect([one.called.length, other.called]).toEqual([8, ['canary', 'canary']])
    expect((await call('nowhere')).status).toBe(404)
    expect(events('catalogue-differs')).toMatchObject([{ template: 't', instanceIds: ['child', 'one', 'other'] }])
    one.setTools([CANARY])
    await heard('catalogue-agrees')
    for (let at = 0; at < 3; at++) await call('canary')
    expect([one.called.length, other.called.length]).toEqual([9, 3])
  })

  it('lose the failover that their hints would allow', async () => {
    const [one, other] = [await tools(EXTRA), await tools(EXTRA, CANARY)]
    for (const server of [one, other]) server.failCalls()
    const instances = [
      { id: 'one', endpoint: one.url },
      { id: 'other', endpoint: other.url },
    ]
    await start(instances, { toolCheckMs: 100, settings: { failover: { trust_annotations: true } } })
    await heard('catalogue-differs')
    const differing = await call('extra')
    expect(differing.json).toMatchObject({ executed: 'unknown', attempts: 1 })
    other.setTools([EXTRA])
    await heard('catalogue-agrees')
    expect(Number((await call('extra')).json['attempts'])).toBeGreaterThan(1)
  })

  it('are compared again when one says that its tools have changed', async () => {
    const [one, other] = [await startListenServer(), await startListenServer()]
    for (const server of [one, other]) servers.push({ close: () => server.stop() })
    one.setTools(['one', 'two'])
    await start([
      { id: 'one', endpoint: one.url },
      { id: 'other', endpoint: other.url },
    ])
    await heard('catalogue-differs')
    const gone = new AbortController()
    const reader = await subscribe(`${harness?.base}/mcp/t`, { toolsListChanged: true }, gone.signal)
    await reader.until('notifications/subscriptions/acknowledged')
    one.setTools(['one'])
    for (const server of [one, other]) server.announce('notifications/tools/list_changed')
    await heard('catalogue-agrees')
    gone.abort()
  })
})

describe('instances that offer the same tools', () => {
  it('agree whatever the order, the words and the icons', async () => {
    const [one, other] = [await tools(EXTRA, CANARY), await tools(CANARY, EXTRA)]
    const { name, inputSchema, annotations } = EXTRA
    other.setTools([{ annotations, inputSchema, name, description: 'other words', _meta: { at: 1 } }, CANARY])
    await start(
      [
        { id: 'one', endpoint: one.url },
        { id: 'other', endpoint: other.url },
      ],
      { toolCheckMs: 50 },
    )
    await waitFor(() => Promise.resolve(Math.min(one.listed, other.listed) > 2), {
      what: 'not asked',
    })
    expect(events('catalogue-differs')).toEqual([])
  })

  it('of which there is one alone are not asked', async () => {
    const one = await tools(CANARY)
    const [two, three] = [await tools(CANARY), await tools(CANARY)]
    harness = await startGateway(
      {
        alone: [{ id: 'one', endpoint: one.url }],
        pair: [
          { id: 'two', endpoint: two.url },
          { id: 'three', endpoint: three.url },
        ],
      },
      { toolCheckMs: 50 },
    )
    await waitFor(() => Promise.resolve(three.listed > 1), { what: 'not asked' })
    expect(one.listed).toBe(0)
  })
})
