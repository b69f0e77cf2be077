import type { ServerResponse } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import type { MessageSink, UpstreamSession } from '../../src/index.js'
import { connect, event, events, io, legacy, serve } from './servers.js'

const INIT = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
const NEWS = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }

/** A legacy server whose `at`-th GET, from 1, is answered by `onGet`. */
function streaming(onGet: (response: ServerResponse, at: number) => void): Parameters<typeof serve>[0] {
  let gets = 0
  return legacy(({ method }, response) => {
    if (method === 'GET') onGet(response, ++gets)
    else response.writeHead(202).end()
  })
}

/** Listens until the first message, or until the session is over; gives what was heard. */
async function hear(session: UpstreamSession, onOpen?: (missed: boolean) => void): Promise<unknown[]> {
  const stop = new AbortController()
  const heard: unknown[] = []
  const sink: MessageSink = {
    message(_json, envelope) {
      heard.push(envelope.method)
      stop.abort()
    },
  }
  await session.listen(sink, stop.signal, onOpen)
  return heard
}

function shortlived(response: ServerResponse): void {
  events(response)
  response.end('retry: 50\n\n')
}

function news(response: ServerResponse): void {
  events(response)
  response.write(event(NEWS))
}

describe('the GET stream of a legacy session', () => {
  it.each([
    ['breaks off before the head', (response: ServerResponse) => void response.destroy()],
    ['says 503', (response: ServerResponse) => void response.writeHead(503).end()],
    ['still thinks the stream before it open', (response: ServerResponse) => void response.writeHead(409).end()],
    ['refuses our credential for a while', (response: ServerResponse) => void response.writeHead(403).end()],
    ['is hidden behind a page', (response: ServerResponse) => void response.writeHead(200).end('<p>soon</p>')],
  ])('is opened again, however often the server %s', async (_what, fail) => {
    await using server = await serve(
      streaming((response, at) => {
        if (at === 1) shortlived(response)
        else if (at < 6) fail(response)
        else news(response)
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const opens: boolean[] = []
    expect(await hear(session, (missed) => opens.push(missed))).toEqual([NEWS.method])
    expect(opens).toEqual([false, true])
    expect(server.seen.filter(({ method }) => method === 'GET')).toHaveLength(6)
    await session.close()
  })

  it('that its server ended and opens again at once has missed nothing', async () => {
    await using server = await serve(streaming((response, at) => (at < 3 ? shortlived(response) : news(response))))
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const opens: boolean[] = []
    await hear(session, (missed) => opens.push(missed))
    expect(opens).toEqual([false, false, false])
    await session.close()
  })

  it('may stay without a head for as long as nothing is said', async () => {
    await using server = await serve(streaming((response) => void setTimeout(() => news(response), 3_000)))
    await using opened = connect(server.url)
    const options = io()
    const limits = { ...options.limits, firstByteMs: 2_000 }
    const session = await opened.connection.openSession(INIT, 'alice', { ...options, limits })
    expect(await hear(session)).toEqual([NEWS.method])
    expect(server.seen.filter(({ method }) => method === 'GET')).toHaveLength(1)
    await session.close()
  })

  it('is opened in the end by a server that was away from the start', async () => {
    await using server = await serve(
      streaming((response, at) => {
        if (at < 2) response.destroy()
        else news(response)
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    expect(await hear(session)).toEqual([NEWS.method])
    await session.close()
  })

  it.each([400, 404, 405])(
    'that was open once and is refused with %d means that the session is lost',
    async (status) => {
      await using server = await serve(
        streaming((response, at) => {
          if (at === 1) shortlived(response)
          else response.writeHead(status).end()
        }),
      )
      await using opened = connect(server.url)
      const session = await opened.connection.openSession(INIT, 'alice', io())
      expect(await hear(session)).toEqual([])
      expect(session.ended.aborted).toBe(true)
      await session.close()
    },
  )

  it('ends with an error when the connection to its server is closed', async () => {
    const asked = Promise.withResolvers<void>()
    await using server = await serve(
      streaming((response) => {
        events(response)
        asked.resolve()
      }),
    )
    await using opened = connect(server.url)
    const session = await opened.connection.openSession(INIT, 'alice', io())
    const heard = hear(session)
    await asked.promise
    await Promise.all([expect(heard).rejects.toMatchObject({ code: 'UPSTREAM_CLOSED' }), opened.connection.close()])
    await session.close()
  })
})
