import { describe, expect, it } from '@jest/globals'
import { scanReply } from '../../src/index.js'
import {
  collect,
  connect,
  event,
  events,
  io,
  json,
  modernMessage,
  progress,
  rawMessage,
  rejection,
  result,
  rpcError,
  serve,
} from './servers.js'

describe('HttpConnection.modern', () => {
  it('sends its own id and gives the caller his back, everything else untouched', async () => {
    const odd = { 'unknown field': [1.5, '\u0000', { deep: null }], content: [{ type: 'hologram' }] }
    await using server = await serve(({ rpc }, response) => json(response, result(rpc, odd)))
    await using opened = connect(server.url)
    const message = modernMessage('tools/call', { name: 'a', arguments: { b: 'é' } }, 'caller "1"')
    const reply = await opened.connection.modern.exchange(message, io())
    if (reply.kind !== 'complete') throw new Error(`got ${reply.kind}`)
    expect(JSON.parse(reply.json.toString())).toEqual({ jsonrpc: '2.0', id: 'caller "1"', result: odd })
    expect(reply.envelope).toEqual(scanReply(reply.json))
    const sent = JSON.parse(message.body.toString()) as object
    expect(server.seen[0]?.rpc).toEqual({ ...sent, id: server.seen[0]?.rpc.id })
    expect(server.seen[0]?.rpc.id).not.toBe('caller "1"')
  })

  it('builds the headers itself: mirrors of the body, tracing, the instance’s own, nothing else', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc)))
    await using opened = connect(server.url, { headers: { Authorization: 'Bearer own' } })
    const message = modernMessage('tools/call', { name: 'größe', arguments: {} })
    const headers = {
      authorization: 'Bearer caller',
      cookie: 'a=b',
      'x-api-key': 'k',
      forwarded: 'for=1.2.3.4',
      connection: 'close',
      'mcp-name': 'forged',
      'mcp-session-id': 's',
      'mcp-param-region': 'eu',
      traceparent: '00-1',
    }
    await opened.connection.modern.exchange({ ...message, headers }, io())
    const got = server.seen[0]?.headers ?? {}
    expect(got).toMatchObject({
      authorization: 'Bearer own',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': `=?base64?${Buffer.from('größe').toString('base64')}?=`,
      'mcp-param-region': 'eu',
      traceparent: '00-1',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    })
    for (const name of ['cookie', 'x-api-key', 'forwarded', 'mcp-session-id']) expect(got).not.toHaveProperty(name)
  })

  it('reports its phases', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc)))
    await using opened = connect(server.url)
    const options = io()
    await opened.connection.modern.exchange(modernMessage('ping'), options)
    expect(options.phases).toEqual(['connecting', 'sent', 'headers'])
  })

  it('gives a stream whose first message is the response as complete', async () => {
    await using server = await serve(({ rpc }, response) => {
      events(response)
      response.end(`: comment\n\nid: 1\ndata:\n\n${event(result(rpc, { a: 1 }))}`)
    })
    await using opened = connect(server.url)
    const reply = await opened.connection.modern.exchange(modernMessage('tools/list'), io())
    expect(reply.kind).toBe('complete')
    expect(await collect(reply)).toEqual([{ jsonrpc: '2.0', id: 'caller-1', result: { a: 1 } }])
  })

  it('hands over the messages of a stream in order, one at a time, response last', async () => {
    await using server = await serve(({ rpc }, response) => {
      events(response)
      for (let step = 0; step < 50; step++) response.write(event(progress('t', step)))
      response.end(event(result(rpc)))
    })
    await using opened = connect(server.url)
    const reply = await opened.connection.modern.exchange(modernMessage('tools/call', { name: 'a' }), io())
    if (reply.kind !== 'stream') throw new Error(`got ${reply.kind}`)
    let inside = 0
    const kinds: string[] = []
    await reply.pipe({
      async message(body, envelope) {
        inside += 1
        expect(inside).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        kinds.push(envelope.kind)
        expect(scanReply(body)).toEqual(envelope)
        inside -= 1
      },
    })
    expect(kinds).toEqual([...Array.from({ length: 50 }, () => 'notification'), 'response'])
  })

  it('pauses the server while the sink is slow', async () => {
    let written = 0
    await using server = await serve(({ rpc }, response) => {
      events(response)
      const filler = 'x'.repeat(64 * 1024)
      const more = (): void => {
        while (written < 2_000) {
          written += 1
          if (!response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { filler } }))) {
            response.once('drain', more)
            return
          }
        }
        response.end(event(result(rpc)))
      }
      more()
    })
    await using opened = connect(server.url)
    const reply = await opened.connection.modern.exchange(
      modernMessage('tools/call', { name: 'a' }),
      io({ idleMs: 60_000 }),
    )
    if (reply.kind !== 'stream') throw new Error(`got ${reply.kind}`)
    let taken = 0
    let ahead = 0
    await reply.pipe({
      async message() {
        taken += 1
        if (taken === 1) await new Promise((resolve) => setTimeout(resolve, 100))
        if (taken === 1) ahead = written
      },
    })
    expect(taken).toBe(2_001)
    expect(ahead).toBeLessThan(500)
  })

  it('does not blame the server for a slow sink', async () => {
    await using server = await serve(({ rpc }, response) => {
      events(response)
      response.write(event(progress('t', 1)))
      response.end(event(result(rpc)))
    })
    await using opened = connect(server.url)
    const reply = await opened.connection.modern.exchange(
      modernMessage('tools/call', { name: 'a' }),
      io({ idleMs: 500 }),
    )
    if (reply.kind !== 'stream') throw new Error(`got ${reply.kind}`)
    let count = 0
    await reply.pipe({
      async message() {
        count += 1
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      },
    })
    expect(count).toBe(2)
  })

  it('drops a response with another id and waits for its own', async () => {
    await using server = await serve(({ rpc }, response) => {
      events(response)
      response.write(event({ jsonrpc: '2.0', id: 4711, result: { of: 'somebody else' } }))
      response.end(event(result(rpc, { mine: true })))
    })
    await using opened = connect(server.url)
    const reply = await opened.connection.modern.exchange(modernMessage('tools/list'), io())
    expect(await collect(reply)).toMatchObject([{ result: { mine: true } }])
    expect(opened.events).toContainEqual({ type: 'late_answer_dropped', kind: 'response' })
  })

  it('carries five megabytes in one JSON body and in one event', async () => {
    const big = { text: 'é'.repeat(2_500_000) }
    for (const asEvent of [false, true]) {
      await using server = await serve(({ rpc }, response) => {
        if (!asEvent) {
          json(response, result(rpc, big))
          return
        }
        events(response)
        response.end(event(result(rpc, big)))
      })
      await using opened = connect(server.url)
      const options = io({ maxAnswerBytes: 16_000_000 })
      const [answer] = await collect(await opened.connection.modern.exchange(modernMessage('tools/list'), options))
      expect(answer).toEqual({ jsonrpc: '2.0', id: 'caller-1', result: big })
    }
  })

  it.each([
    ['400 with our id', 400, true],
    ['404 with our id', 404, true],
    ['400 with a null id', 400, false],
    ['404 with a null id', 404, false],
    ['422 with our id', 422, true],
  ])('takes a JSON-RPC error in a %s for the answer', async (_, status, ours) => {
    await using server = await serve(({ rpc }, response) =>
      json(response, rpcError(ours ? rpc : {}, -32601, 'no'), status),
    )
    await using opened = connect(server.url)
    const reply = await opened.connection.modern.exchange(modernMessage('foo/bar'), io())
    expect(reply).toMatchObject({ kind: 'complete', status })
    expect(await collect(reply)).toEqual([{ jsonrpc: '2.0', id: 'caller-1', error: { code: -32601, message: 'no' } }])
    if (reply.kind === 'complete') expect(reply.envelope).toEqual(scanReply(reply.json))
  })

  it('takes an HTML 404 for a status', async () => {
    await using server = await serve((_, response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<p>'),
    )
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(modernMessage('tools/list'), io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_HTTP_STATUS', status: 404 })
  })

  it('closes the request when the caller gives up: that is how modern cancels', async () => {
    const closed = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    await using server = await serve((_, response) => {
      arrived.resolve()
      response.on('close', () => closed.resolve())
    })
    await using opened = connect(server.url)
    const stop = new AbortController()
    const outcome = rejection(
      opened.connection.modern.exchange(modernMessage('tools/call', { name: 'a' }), io({}, stop.signal)),
    )
    await arrived.promise
    stop.abort('gone')
    expect(await outcome).toBe('gone')
    await closed.promise
    expect(server.seen).toHaveLength(1)
  })

  it('sends nothing once the signal is aborted', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc)))
    await using opened = connect(server.url)
    const outcome = rejection(
      opened.connection.modern.exchange(modernMessage('ping'), io({}, AbortSignal.abort('early'))),
    )
    expect(await outcome).toBe('early')
    expect(server.seen).toHaveLength(0)
  })

  it('posts notifications and is done when they are accepted', async () => {
    await using server = await serve((_, response) => response.writeHead(202).end())
    await using opened = connect(server.url)
    const message = rawMessage({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    expect(await opened.connection.modern.exchange(message, io())).toEqual({ kind: 'accepted' })
  })

  it('uses sockets again for calls in a row, also when they are answered by event streams', async () => {
    await using server = await serve(({ rpc }, response) => {
      events(response)
      response.end(event(result(rpc)))
    })
    await using opened = connect(server.url)
    for (let round = 0; round < 10; round++) await opened.connection.modern.exchange(modernMessage('ping'), io())
    // The next call may begin in the very turn in which the last one ended, before its socket counts as free.
    expect(server.sockets.size).toBeLessThanOrEqual(2)
  })

  it('keeps listen streams off the sockets of the calls', async () => {
    await using server = await serve(({ rpc }, response) => {
      if (rpc.method === 'subscriptions/listen') {
        events(response)
        response.write(event({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: {} }))
      } else json(response, result(rpc))
    })
    await using opened = connect(server.url, { maxConnections: 1 })
    const stream = await opened.connection.modern.exchange(modernMessage('subscriptions/listen'), io())
    expect(stream.kind).toBe('stream')
    const reply = await opened.connection.modern.exchange(modernMessage('tools/list'), io())
    expect(reply.kind).toBe('complete')
    if (stream.kind === 'stream') stream.cancel(new Error('done'))
  })

  it('rejects what runs when it is closed', async () => {
    await using server = await serve(() => {})
    await using opened = connect(server.url)
    const arrived = rejection(opened.connection.modern.exchange(modernMessage('ping'), io()))
    await opened.connection.close()
    expect(await arrived).toMatchObject({ code: 'UPSTREAM_CLOSED' })
    expect(await rejection(opened.connection.modern.exchange(modernMessage('ping'), io()))).toMatchObject({
      code: 'UPSTREAM_CLOSED',
      sent: false,
    })
  })

  it('refuses headers of an instance that would break the protocol', () => {
    expect(() => connect('http://127.0.0.1/', { headers: { 'Transfer-Encoding': 'chunked' } })).toThrow(TypeError)
    expect(() => connect('http://127.0.0.1/', { headers: { 'x-a': 'b\r\nc: d' } })).toThrow(TypeError)
    expect(() => connect('http://127.0.0.1/', { maxConnections: 0 })).toThrow(RangeError)
  })
})
