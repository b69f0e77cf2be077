import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { type EventReader, openStream, subscribe } from './support/event-reader.js'
import { type ForgetfulServer, serveForgetful } from './support/forgetful-server.js'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession } from './support/mcp.js'

const reference = createRequire(import.meta.url)
  .resolve('@mcp-platform/example-dual-era-server')
  .replace('index.js', 'main.js')

let clock = 0
let server: ForgetfulServer
let harness: Harness

beforeEach(async () => {
  clock = 0
  server = await serveForgetful()
  harness = await startGateway({ t: [{ id: 'one', endpoint: server.url }] }, { now: () => clock + performance.now() })
})

afterEach(async () => {
  await harness.stop()
  await server.close()
})

const url = () => `${harness.base}/mcp/t`
const run = (session: LegacySession, id: number) => session.call('tools/call', { name: 'run', arguments: { id } }, id)
const register = (id: string) =>
  harness.registry.register({ template_name: 't', instance: { id, endpoint: server.url } }, { by: { actor: 'test' } })
/** Sessions of the client; the first of all is the gateway's own, of the probe. */
const mine = () => server.sessions.filter(({ client }) => Object(client).clientInfo.name === 'raw')
const lost = () => harness.events.filter((event) => event.type === 'upstream' && event.event.type === 'session_lost')
const reopened = () =>
  harness.events.filter((event) => event.type === 'upstream' && event.event.type === 'session_reinitialised')

describe.each(['not-found', 'bad-request'] as const)('a server that forgot a session and says %s', (refusal) => {
  beforeEach(() => {
    server.refusal = refusal
  })

  it('is initialized once more as the client had done it, and the refused message runs once', async () => {
    const session = await LegacySession.open(url(), { capabilities: { roots: { listChanged: true } } })
    await run(session, 1)
    await server.forget()
    const answer = await run(session, 2)
    expect([answer.status, answer.response]).toMatchObject([200, { id: 2, result: { content: [{ text: 'ran 2' }] } }])
    expect(server.executed).toEqual([1, 2])
    const [before, after] = mine()
    expect(after?.client).toEqual(before?.client)
    expect(after?.client).toMatchObject({
      capabilities: { roots: { listChanged: true } },
      clientInfo: { name: 'raw', version: '1' },
    })
    expect(reopened()).toHaveLength(1)
  })

  it('hears the last log level and the living subscriptions again', async () => {
    const session = await LegacySession.open(url())
    for (const level of ['debug', 'warning']) await session.call('logging/setLevel', { level })
    for (const uri of ['test://a', 'test://b']) await session.call('resources/subscribe', { uri })
    await session.call('resources/unsubscribe', { uri: 'test://a' })
    await server.forget()
    expect((await run(session, 1)).status).toBe(200)
    expect(mine()[1]).toMatchObject({ level: 'warning', subscriptions: new Set(['test://b']) })
  })
})

describe('a session that its server forgot', () => {
  it('is opened once for all calls that were refused, and each of them runs once', async () => {
    const session = await LegacySession.open(url())
    await server.forget()
    const answers = await Promise.all(Array.from({ length: 20 }, (_, id) => run(session, id)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(server.executed.toSorted((one, other) => Number(one) - Number(other))).toEqual([...Array(20).keys()])
    expect(mine()).toHaveLength(2)
  })

  it('is not opened twice in a row, and is again after ten seconds', async () => {
    const session = await LegacySession.open(url())
    await server.forget()
    expect((await run(session, 1)).status).toBe(200)
    clock += 10_000
    await server.forget()
    expect((await run(session, 2)).status).toBe(200)
    await server.forget()
    expect((await run(session, 3)).status).toBe(404)
    expect((await run(session, 4)).status).toBe(404)
    expect([mine().length, server.executed]).toEqual([3, [1, 2]])
  })

  it.each([
    ['can do something else', { capabilities: { tools: {}, resources: {} } }],
    ['refuses what it had accepted', { refusesSubscriptions: true }],
  ])('is not opened on a server that now %s', async (_what, change) => {
    const session = await LegacySession.open(url())
    await session.call('resources/subscribe', { uri: 'test://a' })
    await server.forget()
    Object.assign(server, change)
    expect((await run(session, 1)).status).toBe(404)
    expect(server.executed).toEqual([])
  })

  it('is not opened while a question to the client is open', async () => {
    const session = await LegacySession.open(url(), { capabilities: { roots: {} } })
    const abort = new AbortController()
    const stream = await fetch(url(), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': session.id,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'ask', arguments: {} } }),
      signal: abort.signal,
    })
    await untilRead(stream, '"roots/list"')
    await server.forget('open')
    expect((await run(session, 1)).status).toBe(404)
    expect([mine().length, server.executed]).toEqual([1, []])
    abort.abort()
  })

  it('is not opened when it had made a task, which went with it', async () => {
    const session = await LegacySession.open(url())
    await session.call('tools/call', { name: 'run', arguments: { id: 1 }, task: { ttl: 60_000 } })
    await server.forget()
    expect((await run(session, 2)).status).toBe(404)
  })
})

describe('a server that starts again on its port', () => {
  it('is heard again by a client that only listens, which learns what it may have missed', async () => {
    const client = new Client({ name: 'raw', version: '1' })
    const heard: string[] = []
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri))
    await client.connect(new StreamableHTTPClientTransport(new URL(url())))
    await client.subscribeResource({ uri: 'test://a' })
    await server.restart()
    await waitFor(() => heard.length > 0, { what: 'nobody told of the gap' })
    await waitFor(() => mine().length === 2, { what: 'the session was not opened again' })
    const [, again] = mine()
    await waitFor(
      async () => {
        await again?.update('test://a')
        return heard.length > 1
      },
      { pollMs: 100, what: 'the new stream is not heard' },
    )
    expect(new Set(heard)).toEqual(new Set(['test://a']))
    await client.close()
  })
})

describe('a client that only listens', () => {
  const UPDATED = 'notifications/resources/updated'
  let gone: AbortController

  beforeEach(() => {
    gone = new AbortController()
  })
  afterEach(() => gone.abort())

  async function listening(): Promise<{ session: LegacySession; stream: EventReader }> {
    const session = await LegacySession.open(url())
    await session.call('logging/setLevel', { level: 'warning' })
    await session.call('resources/subscribe', { uri: 'test://a' })
    const stream = await openStream(url(), session.id, gone.signal)
    await untilHeard(stream, 'test://a')
    return { session, stream }
  }

  /** Lets the newest session say that the resource changed, until the client has heard it. */
  async function untilHeard(stream: EventReader, uri: string): Promise<void> {
    const before = stream.of(UPDATED).length
    const isHeard = async (): Promise<boolean> => {
      await mine().at(-1)?.update(uri)
      return stream.of(UPDATED).length > before
    }
    await waitFor(isHeard, { pollMs: 100, timeoutMs: 60_000, what: `${uri} is not heard` })
  }

  it('hears its server again after an outage of ten seconds, with its log level and subscriptions', async () => {
    const { stream } = await listening()
    await server.stop()
    await delay(10_000)
    await server.start()
    await waitFor(() => mine().length === 2, { timeoutMs: 60_000, what: 'the session was not opened again' })
    await waitFor(() => mine()[1]?.subscriptions.size === 1, { what: 'the subscription was not told again' })
    expect(mine()[1]).toMatchObject({ level: 'warning', subscriptions: new Set(['test://a']) })
    await untilHeard(stream, 'test://a')
  }, 120_000)

  it('goes on in the same session when the server was away and did not forget it, and learns what it may have missed', async () => {
    const { session, stream } = await listening()
    await away()
    await stream.until('notifications/tools/list_changed')
    await untilHeard(stream, 'test://a')
    expect((await run(session, 1)).status).toBe(200)
    expect(mine()).toHaveLength(1)
  })

  it('is told too as a 2026 client on a server of 2025', async () => {
    const wanted = { toolsListChanged: true, resourceSubscriptions: ['test://a'] }
    const stream = await subscribe(url(), wanted, gone.signal)
    await stream.until('notifications/subscriptions/acknowledged')
    await waitFor(() => mine().at(-1)?.subscriptions.size === 1, { what: 'nobody subscribed' })
    await away()
    await stream.until('notifications/tools/list_changed')
    await stream.until(UPDATED)
  })

  /** Until a stream was refused. */
  async function away(): Promise<void> {
    server.failsWith = 503
    server.cut()
    await waitFor(() => server.refusedStreams > 0, { timeoutMs: 60_000, what: 'nobody tried to listen again' })
    server.failsWith = undefined
  }

  it('hears again when it comes to listen to a session that was lost while nobody did', async () => {
    const session = await LegacySession.open(url())
    await session.call('resources/subscribe', { uri: 'test://a' })
    await server.forget()
    await waitFor(() => lost().length > 0, { timeoutMs: 60_000, what: 'nobody noticed' })
    const stream = await openStream(url(), session.id, gone.signal)
    await waitFor(() => mine()[1]?.subscriptions.size === 1, { timeoutMs: 60_000, what: 'it was not opened again' })
    await untilHeard(stream, 'test://a')
  })

  it.each([
    ['is not the server any more that it was', () => Object.assign(server, { capabilities: { tools: {} } })],
    ['speaks nothing but errors now', () => Object.assign(server, { failsWith: 418 })],
  ])('is told by the end of its stream when the server that is back %s', async (_what, change) => {
    const { session, stream } = await listening()
    await server.stop()
    change()
    await server.start()
    await stream.ended
    expect((await run(session, 1)).status).toBe(404)
  })

  it.each([
    ['its instance is deregistered', true],
    ['the last instance is, and its template with it', false],
  ])('is told by the end of its stream when %s', async (_what, isAnotherThere) => {
    const { session, stream } = await listening()
    if (isAnotherThere) await register('two')
    await harness.registry.deregister('t', 'one', { actor: 'test' })
    await stream.ended
    expect((await run(session, 1)).status).toBe(404)
  })
})

describe('a session on a stdio child that exited', () => {
  const child = { id: 'one', command: process.execPath, args: [reference, '--stdio', '--era', 'legacy'] }
  const call = (session: LegacySession) => session.call('tools/call', { name: 'test_simple_text', arguments: {} })

  async function afterKill(settings: Record<string, unknown>): Promise<number> {
    const own = await startGateway({ t: [child] }, { settings })
    try {
      const session = await LegacySession.open(`${own.base}/mcp/t`)
      expect((await call(session)).status).toBe(200)
      const running = runningChildren(own)
      expect(running).not.toHaveLength(0)
      for (const pid of running) process.kill(pid, 'SIGKILL')
      await waitFor(() => runningChildren(own).length === 0, { what: 'the child did not exit' })
      return (await call(session)).status
    } finally {
      await own.stop()
    }
  }

  it('goes on with the next child', async () => {
    expect(await afterKill({})).toBe(200)
  })

  it('is over where children are never shared: what the child remembered was the client’s', async () => {
    expect(await afterKill({ stdio: { sharing: 'exclusive' } })).toBe(404)
  })
})

function runningChildren({ events }: Harness): number[] {
  const running = new Set<number>()
  for (const event of events) {
    if (event.type !== 'upstream') continue
    if (event.event.type === 'child_started') running.add(event.event.pid)
    if (event.event.type === 'child_exited') running.delete(event.event.pid)
  }
  return [...running]
}

async function untilRead(response: Response, text: string): Promise<void> {
  let read = ''
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  while (!read.includes(text)) {
    const next = await reader?.read()
    if (next === undefined || next.done) throw new Error(`the stream ended before ${text} came: ${read}`)
    read += next.value
  }
}
