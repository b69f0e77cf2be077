import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { mcpProbe, type UpstreamMessage, type UpstreamSession } from '../../src/index.js'
import { collect, connect, everything, io, modernMessage, rawMessage, rejection } from './servers.js'

const INIT = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
const clientInfo = { name: 'mcp-platform', version: '0.1.0' }
const request = (method: string, params: object = {}): UpstreamMessage =>
  rawMessage({ jsonrpc: '2.0', id: 'c1', method, params })
const echo = request('tools/call', { name: 'echo', arguments: { message: 'hello' } })
const long = request('tools/call', {
  name: 'trigger-long-running-operation',
  arguments: { duration: 0.2, steps: 2 },
  _meta: { progressToken: 'my token' },
})

async function talk(session: UpstreamSession): Promise<void> {
  const [echoed] = await collect(await session.exchange(echo, io()))
  expect(echoed).toMatchObject({
    id: 'c1',
    result: { content: [{ type: 'text', text: expect.stringContaining('hello') }] },
  })
  const messages = await collect(await session.exchange(long, io()))
  expect(messages.filter((one) => (one as { method?: string }).method === 'notifications/progress')).toMatchObject([
    { params: { progressToken: 'my token', progress: 1 } },
    { params: { progressToken: 'my token', progress: 2 } },
  ])
  expect(messages.at(-1)).toMatchObject({ id: 'c1', result: { content: expect.any(Array) } })
}

describe('server-everything (SDK 1.x) over Streamable HTTP', () => {
  it('is identified, talked to, probed; a lost session is opened anew', async () => {
    await using server = await everything('streamableHttp')
    await using opened = connect(server.origin)
    const identity = await opened.connection.identify(io())
    expect(identity).toMatchObject({ era: 'legacy', protocolVersion: '2025-11-25', url: `${server.origin}/mcp` })

    const session = await opened.connection.openSession(INIT, 'alice', io())
    await talk(session)
    await session.close()

    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
    expect(await probe(1, new AbortController().signal)).toBeUndefined()

    const lease = await opened.connection.leaseSession({ context: 'bob', init: INIT }, io())
    const before = lease.session.sessionId
    const terminated = await fetch(`${server.origin}/mcp`, {
      method: 'DELETE',
      headers: { 'mcp-session-id': before ?? '' },
    })
    await terminated.text()
    const [answer] = await collect(await lease.session.exchange(echo, io()))
    expect(answer).toMatchObject({ id: 'c1', result: { content: [{ type: 'text' }] } })
    expect(lease.session.sessionId).not.toBe(before)
    lease.release()
  })

  it('is heard on its GET stream', async () => {
    await using server = await everything('streamableHttp')
    await using opened = connect(`${server.origin}/mcp`)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const stop = new AbortController()
    const heard: (string | undefined)[] = []
    const listening = session.listen(
      {
        message(_, envelope) {
          heard.push(envelope.method)
          stop.abort()
        },
      },
      stop.signal,
    )
    await collect(
      await session.exchange(request('tools/call', { name: 'toggle-simulated-logging', arguments: {} }), io()),
    )
    await listening
    expect(heard[0]).toMatch(/^notifications\//)
    await session.close()
  })
})

describe('server-everything (SDK 1.x) over HTTP+SSE', () => {
  it.each([
    ['found under /sse', ''],
    ['as given', '/sse'],
  ])('is identified %s and talked to', async (_, path) => {
    await using server = await everything('sse')
    await using opened = connect(`${server.origin}${path}`)
    const identity = await opened.connection.identify(io())
    expect(identity).toMatchObject({ era: 'legacy', url: `${server.origin}/sse` })
    const session = await opened.connection.openSession(INIT, 'alice', io())
    await talk(session)
    await Promise.all([collect(await session.exchange(echo, io())), collect(await session.exchange(echo, io()))])
    await session.close()
    expect(session.ended.aborted).toBe(true)
    expect(await rejection(session.exchange(echo, io()))).toMatchObject({ code: 'UPSTREAM_SESSION_LOST', sent: false })
  })

  it('fails what is in flight when it dies', async () => {
    await using server = await everything('sse')
    await using opened = connect(`${server.origin}/sse`, { transport: 'sse' })
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const reply = await session.exchange(long, io())
    await server[Symbol.asyncDispose]()
    expect(await rejection(collect(reply))).toMatchObject({ code: 'UPSTREAM_STREAM_TRUNCATED', sent: true })
    expect(session.ended.aborted).toBe(true)
  })
})

describe('a server on SDK 2.x', () => {
  it('is identified as modern and talked to', async () => {
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: 'two', version: '2.0.0' })
      server.registerTool('greet', { description: 'greets' }, () => ({ content: [{ type: 'text', text: 'hello' }] }))
      return server
    })
    const answer = toNodeHandler(handler)
    const http = createServer((request_, response) => {
      answer(Object.assign(request_, { method: request_.method ?? '', url: request_.url ?? '/' }), response).catch(() =>
        response.destroy(),
      )
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { port } = http.address() as AddressInfo
    {
      await using opened = connect(`http://127.0.0.1:${port}/mcp`)
      const identity = await opened.connection.identify(io())
      expect(identity).toMatchObject({ era: 'modern', serverInfo: { name: 'two', version: '2.0.0' } })
      const reply = await opened.connection.modern.exchange(
        modernMessage('tools/call', { name: 'greet', arguments: {} }),
        io(),
      )
      expect(await collect(reply)).toMatchObject([
        { id: 'caller-1', result: { content: [{ type: 'text', text: 'hello' }] } },
      ])
      const unknown = await opened.connection.modern.exchange(modernMessage('foo/bar'), io())
      expect(unknown).toMatchObject({ kind: 'complete', status: 404 })
      expect(await collect(unknown)).toMatchObject([{ id: 'caller-1', error: { code: -32601 } }])
      const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
      expect(await probe(1, new AbortController().signal)).toBeUndefined()
    }
    http.close()
    await once(http, 'close')
  })
})
