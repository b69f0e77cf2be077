import { describe, expect, it } from '@jest/globals'
import type { SessionInit, UpstreamMessage } from '../../src/index.js'
import {
  collect,
  connect,
  event,
  events,
  io,
  json,
  legacy,
  progress,
  rawMessage,
  rejection,
  result,
  rpcError,
  serve,
} from './servers.js'

const INIT: SessionInit = {
  protocolVersion: '2025-11-25',
  capabilities: { roots: {} },
  clientInfo: { name: 'caller', version: '2' },
}
const KEY = { context: 'alice', init: INIT }
const request = (method: string, params: object = {}): UpstreamMessage =>
  rawMessage({ jsonrpc: '2.0', id: 'c1', method, params })

describe('a legacy session', () => {
  it('is opened with the given init, named in every request and deleted at the end', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, result(rpc, { ok: true }))))
    await using opened = connect(server.url, { protocol: 'legacy' })
    const session = await opened.connection.openSession(INIT, 'alice', io())
    expect(session.sessionId).toBe('session-2')
    expect(session.identity).toMatchObject({
      era: 'legacy',
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'fake' },
    })
    await collect(await session.exchange(request('tools/list'), io()))
    await session.close()
    const [opening, ready, call, end] = server.seen
      .filter((one) => one.headers['mcp-session-id'] !== 'session-1')
      .slice(1)
    expect(opening?.rpc.params).toEqual(INIT)
    expect(ready?.rpc.method).toBe('notifications/initialized')
    expect(call?.headers).toMatchObject({ 'mcp-session-id': 'session-2', 'mcp-protocol-version': '2025-11-25' })
    expect(end).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': 'session-2' } })
    expect(session.ended.aborted).toBe(true)
  })

  it.each([
    ['404', 404, -32001],
    ['400 with -32000', 400, -32000],
  ])('is lost on %s', async (_, status, code) => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, rpcError(rpc, code), status)))
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const error = await rejection(session.exchange(request('tools/call', { name: 'a' }), io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_SESSION_LOST', executed: false, status })
    expect(session.ended.aborted).toBe(true)
    expect(opened.events).toContainEqual({ type: 'session_lost', context: 'alice', because: 'server_forgot' })
    await session.close()
    expect(server.seen.filter((one) => one.method === 'DELETE')).toHaveLength(0)
  })

  it('is not lost on a 400 of another code', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, rpcError(rpc, -32602), 400)))
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    expect(await session.exchange(request('tools/call'), io())).toMatchObject({ kind: 'complete', status: 400 })
    expect(session.ended.aborted).toBe(false)
    await session.close()
  })

  it('cancels by a notification with the id that the server knows', async () => {
    const called = Promise.withResolvers<unknown>()
    await using server = await serve(legacy(({ rpc }) => called.resolve(rpc.id)))
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const stop = new AbortController()
    const outcome = rejection(session.exchange(request('tools/call', { name: 'a' }), io({}, stop.signal)))
    const id = await called.promise
    stop.abort('gone')
    expect(await outcome).toBe('gone')
    await session.exchange(rawMessage({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' }), io())
    const cancelled = server.seen.find((one) => one.rpc.method === 'notifications/cancelled')
    expect(cancelled?.rpc.params).toEqual({ requestId: id })
    await session.close()
  })

  it('relays a request of the server within an answer, and the caller’s answer to it', async () => {
    const answered = Promise.withResolvers<unknown>()
    await using server = await serve(
      legacy(({ rpc }, response) => {
        if (rpc.method === undefined) {
          answered.resolve(rpc)
          response.writeHead(202).end()
          return
        }
        events(response)
        response.write(event({ jsonrpc: '2.0', id: 'srv-1', method: 'roots/list' }))
        answered.promise.then(
          () => response.end(event(result(rpc, { done: true }))),
          () => response.destroy(),
        )
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const reply = await session.exchange(request('tools/call', { name: 'a' }), io())
    if (reply.kind !== 'stream') throw new Error(`got ${reply.kind}`)
    const kinds: string[] = []
    await reply.pipe({
      async message(_, envelope) {
        kinds.push(envelope.kind)
        if (envelope.kind !== 'request') return
        await session.exchange(rawMessage({ jsonrpc: '2.0', id: 'srv-1', result: { roots: [] } }), io())
      },
    })
    expect(kinds).toEqual(['request', 'response'])
    expect(await answered.promise).toEqual({ jsonrpc: '2.0', id: 'srv-1', result: { roots: [] } })
    await session.close()
  })

  it('resumes an answer that the server closed early, from the last event on', async () => {
    let asked: { id?: unknown } = {}
    let polls = 0
    await using server = await serve(
      legacy(({ method, rpc }, response) => {
        events(response)
        if (method === 'POST') {
          asked = rpc
          response.end('id: e0\nretry: 10\ndata:\n\n')
          return
        }
        polls += 1
        if (polls < 3) response.end(event(progress('t', polls), `e${polls}`))
        else response.end(event({ jsonrpc: '2.0', id: asked.id, result: { polls } }, 'e9'))
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const reply = await session.exchange(request('tools/call', { name: 'a' }), io())
    expect(await collect(reply)).toMatchObject([
      { params: { progress: 1 } },
      { params: { progress: 2 } },
      { id: 'c1', result: { polls: 3 } },
    ])
    const gets = server.seen.filter((one) => one.method === 'GET').map((one) => one.headers['last-event-id'])
    expect(gets).toEqual(['e0', 'e1', 'e2'])
    await session.close()
  })

  it('gives a resumed answer up when the server does not know it any more', async () => {
    await using server = await serve(
      legacy(({ method }, response) => {
        if (method === 'GET') {
          response.writeHead(400).end()
          return
        }
        events(response)
        response.end('id: e0\nretry: 10\ndata:\n\n')
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const error = await rejection(session.exchange(request('tools/call', { name: 'a' }), io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_STREAM_TRUNCATED', cause: { status: 400 } })
    await session.close()
  })

  it('hears what the server says outside of answers, over several connections', async () => {
    let gets = 0
    await using server = await serve(
      legacy((_, response) => {
        gets += 1
        events(response)
        const message = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
        response.end(`retry: 10\n${event(message, `g${gets}`)}`)
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const stop = new AbortController()
    const methods: unknown[] = []
    await session.listen(
      {
        message(_, envelope) {
          methods.push(envelope.method)
          if (methods.length === 3) stop.abort()
        },
      },
      stop.signal,
    )
    expect(methods).toEqual(Array.from({ length: 3 }, () => 'notifications/tools/list_changed'))
    const resumed = server.seen.filter((one) => one.method === 'GET').map((one) => one.headers['last-event-id'])
    expect(resumed.slice(0, 3)).toEqual([undefined, 'g1', 'g2'])
    await session.close()
  })

  it('hears nothing, quietly, from a server without a GET stream', async () => {
    const asked = Promise.withResolvers<void>()
    await using server = await serve(
      legacy((_, response) => {
        response.writeHead(405).end()
        asked.resolve()
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const heard = session.listen({ message: () => {} }, new AbortController().signal)
    await asked.promise
    await session.close()
    await heard
  })

  it('ends listening when the sink fails, with its error', async () => {
    await using server = await serve(
      legacy((_, response) => {
        events(response)
        response.write(event({ jsonrpc: '2.0', method: 'a' }))
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const sink = {
      message: () => {
        throw new Error('full')
      },
    }
    await expect(session.listen(sink, new AbortController().signal)).rejects.toThrow('full')
    await session.close()
  })

  it('deletes a session whose opening failed half way', async () => {
    await using server = await serve(({ rpc, method }, response) => {
      if (rpc.method === 'initialize') {
        const answer = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } }
        json(response, result(rpc, answer), 200, { 'mcp-session-id': 'half' })
      } else response.writeHead(method === 'DELETE' ? 200 : 500).end()
    })
    await using opened = connect(server.url, { protocol: 'legacy' })
    expect(await rejection(opened.connection.identify(io()))).toMatchObject({
      code: 'UPSTREAM_HTTP_STATUS',
      status: 500,
    })
    expect(server.seen.find((one) => one.method === 'DELETE')?.headers['mcp-session-id']).toBe('half')
  })
})

describe('the pool of sessions', () => {
  it('uses an idle session of the same key again, and never one of another', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, result(rpc))))
    await using opened = connect(server.url)
    const idOf = async (key: typeof KEY): Promise<string | undefined> => {
      const lease = await opened.connection.leaseSession(key, io())
      lease.release()
      return lease.session.sessionId
    }
    const first = await idOf(KEY)
    expect(await idOf({ ...KEY, init: { ...INIT, capabilities: { roots: {} } } })).toBe(first)
    expect(await idOf({ ...KEY, context: 'bob' })).not.toBe(first)
    expect(await idOf({ ...KEY, init: { ...INIT, capabilities: { sampling: {} } } })).not.toBe(first)
    expect(await idOf({ ...KEY, init: { ...INIT, clientInfo: { name: 'caller', version: '3' } } })).not.toBe(first)
  })

  it('gives a session to one exchange at a time, and is busy at its cap', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, result(rpc))))
    await using opened = connect(server.url, { sessions: { maxPerKey: 2 } })
    const one = await opened.connection.leaseSession(KEY, io())
    const two = await opened.connection.leaseSession(KEY, io())
    expect(one.session.sessionId).not.toBe(two.session.sessionId)
    expect(await rejection(opened.connection.leaseSession(KEY, io()))).toMatchObject({
      code: 'UPSTREAM_BUSY',
      bound: 'sessions_per_key',
      limit: 2,
      sent: false,
    })
    one.release()
    one.release()
    const three = await opened.connection.leaseSession(KEY, io())
    expect(three.session.sessionId).toBe(one.session.sessionId)
    two.release()
    three.release()
  })

  it('makes room for a new key by closing the session that was idle longest', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, result(rpc))))
    await using opened = connect(server.url, { sessions: { maxTotal: 2 } })
    const alice = await opened.connection.leaseSession(KEY, io())
    alice.release()
    const bob = await opened.connection.leaseSession({ ...KEY, context: 'bob' }, io())
    const carol = await opened.connection.leaseSession({ ...KEY, context: 'carol' }, io())
    expect(await rejection(opened.connection.leaseSession({ ...KEY, context: 'dan' }, io()))).toMatchObject({
      code: 'UPSTREAM_BUSY',
      bound: 'sessions',
    })
    bob.release()
    carol.release()
  })

  it('opens a lost session once more and sends the request again, tools/call too', async () => {
    const calls: unknown[] = []
    let forgotten = ''
    await using server = await serve(
      legacy(({ rpc, headers }, response) => {
        calls.push(headers['mcp-session-id'])
        if (headers['mcp-session-id'] === forgotten) json(response, rpcError(rpc, -32000), 400)
        else json(response, result(rpc, { by: headers['mcp-session-id'] }))
      }),
    )
    await using opened = connect(server.url)
    const lease = await opened.connection.leaseSession(KEY, io())
    forgotten = lease.session.sessionId ?? ''
    const [answer] = await collect(await lease.session.exchange(request('tools/call', { name: 'a' }), io()))
    expect(answer).toMatchObject({ id: 'c1', result: { by: lease.session.sessionId } })
    expect(calls).toEqual([forgotten, lease.session.sessionId])
    expect(opened.events.map((one) => one.type)).toContain('session_reinitialised')
    lease.release()
  })

  it('opens it once only', async () => {
    let opening = 0
    await using server = await serve(
      legacy((_, response) => response.writeHead(404).end(), {
        sessionId: (nth) => {
          opening = nth
          return `s${nth}`
        },
      }),
    )
    await using opened = connect(server.url)
    const lease = await opened.connection.leaseSession(KEY, io())
    const before = opening
    const error = await rejection(lease.session.exchange(request('tools/call', { name: 'a' }), io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_SESSION_LOST', executed: false })
    expect(opening).toBe(before + 1)
    lease.release()
  })

  it('closes its sessions with the connection', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, result(rpc))))
    const opened = connect(server.url)
    const lease = await opened.connection.leaseSession(KEY, io())
    const { sessionId } = lease.session
    lease.release()
    await opened.connection.close()
    const deleted = server.seen.filter((one) => one.method === 'DELETE').map((one) => one.headers['mcp-session-id'])
    expect(deleted).toContain(sessionId)
    expect(await rejection(opened.connection.leaseSession(KEY, io()))).toMatchObject({ code: 'UPSTREAM_CLOSED' })
  })
})
