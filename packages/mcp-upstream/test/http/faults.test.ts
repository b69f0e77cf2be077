import { createServer as createHttpServer } from 'node:http'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { UpstreamError } from '../../src/index.js'
import {
  collect,
  connect,
  event,
  events,
  freePort,
  io,
  json,
  modernMessage,
  progress,
  rejection,
  result,
  serve,
  serveTcp,
} from './servers.js'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
const call = modernMessage('tools/call', { name: 'a', arguments: {} })

/** Acts once the request is in. */
const onRequest =
  (act: (socket: Socket) => void) =>
  (socket: Socket): void => {
    socket.once('data', () => act(socket))
  }

describe('a server that fails', () => {
  it.each([
    ['resets after the request', onRequest((s) => s.resetAndDestroy()), 'UPSTREAM_RESET', ['connecting', 'sent']],
    ['closes after the request', onRequest((s) => s.end()), 'UPSTREAM_RESET', ['connecting', 'sent']],
    ['is silent', onRequest(() => {}), 'UPSTREAM_TIMEOUT', ['connecting', 'sent']],
    ['speaks no HTTP', onRequest((s) => s.end('SSH-2.0-OpenSSH\r\n')), 'UPSTREAM_BAD_ANSWER', ['connecting', 'sent']],
    [
      'ends in the middle of a body',
      onRequest((s) => s.end(`${HEAD}content-length: 50\r\n\r\n{"jsonrpc"`)),
      'UPSTREAM_RESET',
      ['connecting', 'sent', 'headers'],
    ],
    [
      'falls silent in the middle of a body',
      onRequest((s) => s.write(`${HEAD}content-length: 50\r\n\r\n{"jsonrpc"`)),
      'UPSTREAM_TIMEOUT',
      ['connecting', 'sent', 'headers'],
    ],
    [
      'answers no JSON',
      onRequest((s) => s.end(`${HEAD}content-length: 3\r\n\r\n{]}`)),
      'UPSTREAM_BAD_ANSWER',
      ['connecting', 'sent', 'headers'],
    ],
    [
      'answers no JSON-RPC',
      onRequest((s) => s.end(`${HEAD}content-length: 2\r\n\r\n{}`)),
      'UPSTREAM_BAD_ANSWER',
      ['connecting', 'sent', 'headers'],
    ],
    [
      'accepts a request without answering',
      onRequest((s) => s.end('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n')),
      'UPSTREAM_BAD_ANSWER',
      ['connecting', 'sent', 'headers'],
    ],
    [
      'answers HTML with 500',
      onRequest((s) => s.end('HTTP/1.1 500 No\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\noops')),
      'UPSTREAM_HTTP_STATUS',
      ['connecting', 'sent', 'headers'],
    ],
    [
      'redirects to the metadata address',
      onRequest((s) => s.end('HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n')),
      'UPSTREAM_HTTP_STATUS',
      ['connecting', 'sent', 'headers'],
    ],
  ] as const)('%s', async (_, handle, code, phases) => {
    await using server = await serveTcp(handle)
    await using opened = connect(server.url)
    // Only who is silent for ever may be given up soon: a machine can be busy for 150 ms.
    const ms = code === 'UPSTREAM_TIMEOUT' ? 150 : 60_000
    const options = io({ firstByteMs: ms, idleMs: ms })
    const error = await rejection(opened.connection.modern.exchange(call, options))
    expect(error).toBeInstanceOf(UpstreamError)
    expect(error).toMatchObject({ code, sent: true })
    expect(options.phases).toEqual(phases)
  })

  it('answers another id', async () => {
    await using server = await serve((_, response) => json(response, { jsonrpc: '2.0', id: 99_999, result: {} }))
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER', detail: 'the answer to another request', status: 200 })
  })

  it('refuses the connection: nothing was sent', async () => {
    await using opened = connect(`http://127.0.0.1:${await freePort()}/mcp`)
    const options = io()
    const error = await rejection(opened.connection.modern.exchange(call, options))
    expect(error).toMatchObject({ code: 'UPSTREAM_CONNECT_FAILED', sent: false })
    expect(options.phases).toEqual(['connecting'])
  })

  it('resets on accept: the error says what the phases say', async () => {
    await using server = await serveTcp((socket) => socket.resetAndDestroy())
    await using opened = connect(server.url)
    for (let round = 0; round < 20; round++) {
      const options = io({ connectMs: 300 })
      const error = await rejection(opened.connection.modern.exchange(call, options))
      expect(error).toBeInstanceOf(UpstreamError)
      if (!(error instanceof UpstreamError)) return
      // Whether the reset comes before or after the first write is a race; that we know which is not.
      expect(error.sent).toBe(options.phases.includes('sent'))
      expect(error.code).toMatch(error.sent ? /RESET/ : /CONNECT_FAILED|TIMEOUT/)
    }
  })

  it('has an unknown name: nothing was sent', async () => {
    await using opened = connect('http://no-such-host.invalid/mcp')
    const error = await rejection(opened.connection.modern.exchange(call, io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_CONNECT_FAILED', sent: false })
  })

  it('keeps every socket busy until the connect timer runs out: nothing was sent', async () => {
    await using server = await serveTcp(() => {})
    await using opened = connect(server.url, { maxConnections: 1 })
    const stop = new AbortController()
    const first = rejection(opened.connection.modern.exchange(call, io({}, stop.signal)))
    const second = await rejection(opened.connection.modern.exchange(call, io({ connectMs: 100 })))
    expect(second).toMatchObject({ code: 'UPSTREAM_TIMEOUT', timer: 'connect', sent: false })
    stop.abort('enough')
    expect(await first).toBe('enough')
  })

  it('tells its Retry-After', async () => {
    await using server = await serve((_, response) => response.writeHead(429, { 'retry-after': '7' }).end())
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_HTTP_STATUS', status: 429, retryAfterMs: 7_000 })
  })

  it.each([401, 403])('wants another credential (%d)', async (status) => {
    await using server = await serve((_, response) => json(response, { any: 'thing' }, status))
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED', status, sent: true })
  })

  it('compresses against our word', async () => {
    await using server = await serve(({ rpc }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(JSON.stringify(result(rpc))))
    })
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER', detail: 'compressed body' })
    expect(server.seen[0]?.headers['accept-encoding']).toBe('identity')
  })

  it.each([
    ['announced', true],
    ['unannounced', false],
  ])('answers more than the cap, %s', async (_, isAnnounced) => {
    await using server = await serve(({ rpc }, response) => {
      const body = JSON.stringify(result(rpc, { text: 'x'.repeat(20_000) }))
      response.writeHead(200, {
        'content-type': 'application/json',
        ...(isAnnounced ? { 'content-length': body.length } : {}),
      })
      response.end(body)
    })
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io({ maxAnswerBytes: 10_000 })))
    expect(error).toMatchObject({ code: 'UPSTREAM_ANSWER_TOO_LARGE', maxBytes: 10_000 })
  })

  it('sends an event larger than the cap', async () => {
    await using server = await serve(({ rpc }, response) => {
      events(response)
      response.end(event(result(rpc, { text: 'x'.repeat(20_000) })))
    })
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io({ maxAnswerBytes: 10_000 })))
    expect(error).toMatchObject({ code: 'UPSTREAM_ANSWER_TOO_LARGE' })
  })

  it.each([
    ['mid-event', 'data: {"jsonrpc":"2.0","id"', 'end'],
    ['between events', ': comment\n\n', 'end'],
    ['by a reset', 'data: {"json', 'reset'],
  ] as const)('ends an event stream %s', async (_, text, how) => {
    await using server = await serve((_seen, response) => {
      events(response)
      response.write(text, () => (how === 'end' ? response.end() : response.socket?.resetAndDestroy()))
    })
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_STREAM_TRUNCATED', sent: true })
  })

  it('ends an event stream after progress: the stream rejects, what came before is handed over', async () => {
    await using server = await serve((_, response) => {
      events(response)
      response.end(event(progress('t', 1)))
    })
    await using opened = connect(server.url)
    const reply = await opened.connection.modern.exchange(call, io())
    if (reply.kind !== 'stream') throw new Error(`got ${reply.kind}`)
    const messages: string[] = []
    const error = await rejection(reply.pipe({ message: (body) => void messages.push(body.toString()) }))
    expect(error).toMatchObject({ code: 'UPSTREAM_STREAM_TRUNCATED' })
    expect(messages).toHaveLength(1)
  })

  it('sends rubbish in an event', async () => {
    await using server = await serve((_, response) => {
      events(response)
      response.write('data: {rubbish}\n\n')
    })
    await using opened = connect(server.url)
    const error = await rejection(opened.connection.modern.exchange(call, io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' })
  })

  it('sends endless progress: giving up closes the stream', async () => {
    const closed = Promise.withResolvers<void>()
    await using server = await serve((_, response) => {
      events(response)
      let step = 0
      const timer = setInterval(() => response.write(event(progress('t', step++))), 5)
      response.on('close', () => {
        clearInterval(timer)
        closed.resolve()
      })
    })
    await using opened = connect(server.url)
    const stop = new AbortController()
    const reply = await opened.connection.modern.exchange(call, io({}, stop.signal))
    if (reply.kind !== 'stream') throw new Error(`got ${reply.kind}`)
    let count = 0
    const piped = reply.pipe({
      message: () => {
        count += 1
        if (count === 5) stop.abort(new Error('enough'))
      },
    })
    await expect(piped).rejects.toThrow('enough')
    await closed.promise
  })

  it('goes on working with other exchanges after one failed', async () => {
    let turn = 0
    await using server = await serve(({ rpc }, response) => {
      turn += 1
      if (turn % 2 === 1) response.destroy()
      else json(response, result(rpc, { turn }))
    })
    await using opened = connect(server.url, { maxConnections: 1 })
    for (let round = 0; round < 5; round++) {
      await rejection(opened.connection.modern.exchange(call, io()))
      expect(await collect(await opened.connection.modern.exchange(call, io()))).toMatchObject([{ id: 'caller-1' }])
    }
  })

  it('closes an idle connection while we use it: every call succeeds or says that it was sent', async () => {
    const http = createHttpServer({ keepAliveTimeout: 1 }, (request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += String(chunk)
      })
      request.on('end', () => json(response, result(JSON.parse(body) as { id: number })))
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const address = http.address()
    const port = typeof address === 'object' ? address?.port : 0
    {
      await using opened = connect(`http://127.0.0.1:${port}/mcp`)
      for (let round = 0; round < 50; round++) {
        const outcome = await opened.connection.modern.exchange(call, io()).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'UPSTREAM_RESET', sent: true })
        else expect(outcome).toMatchObject({ kind: 'complete' })
      }
    }
    http.close()
  })
})
