import { describe, expect, it } from '@jest/globals'
import { mcpProbe } from '../../src/index.js'
import { connect, event, events, io, json, legacy, rejection, result, rpcError, serve } from './servers.js'

const DISCOVERED = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  instructions: 'be kind',
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'modern-fake', version: '3' } },
}

describe('identify', () => {
  it('knows a modern server by its discover result', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc, DISCOVERED)))
    await using opened = connect(server.url, { now: () => 1_000 })
    const identity = await opened.connection.identify(io())
    expect(identity).toMatchObject({
      era: 'modern',
      protocolVersion: '2026-07-28',
      serverInfo: { name: 'modern-fake', version: '3' },
      instructions: 'be kind',
      url: server.url,
      learnedAt: new Date(1_000),
    })
    expect(identity.result).toEqual(DISCOVERED)
    expect(opened.connection.identity).toBe(identity)
    expect(server.seen[0]?.headers).toMatchObject({
      'mcp-method': 'server/discover',
      'mcp-protocol-version': '2026-07-28',
    })
  })

  it('asks once for all who ask at the same time, and again after forget', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc, DISCOVERED)))
    await using opened = connect(server.url)
    await Promise.all(Array.from({ length: 5 }, () => opened.connection.identify(io())))
    await opened.connection.identify(io())
    expect(server.seen).toHaveLength(1)
    opened.connection.forget()
    expect(opened.connection.identity).toBeUndefined()
    await opened.connection.identify(io())
    expect(server.seen).toHaveLength(2)
  })

  it('goes on for the others when one of them gives up', async () => {
    const asked = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    await using server = await serve(({ rpc }, response) => {
      asked.resolve()
      go.promise.then(
        () => json(response, result(rpc, DISCOVERED)),
        () => response.destroy(),
      )
    })
    await using opened = connect(server.url)
    const stop = new AbortController()
    const impatient = rejection(opened.connection.identify(io({}, stop.signal)))
    const patient = opened.connection.identify(io())
    await asked.promise
    stop.abort('bye')
    expect(await impatient).toBe('bye')
    go.resolve()
    expect((await patient).era).toBe('modern')
  })

  it.each([
    ['400 with -32000', (rpc: { id?: number | string }) => ({ status: 400, body: rpcError(rpc, -32000) })],
    ['404 without JSON', () => ({ status: 404, body: 'nothing here' })],
    ['405', () => ({ status: 405, body: '' })],
    ['406', () => ({ status: 406, body: '' })],
    ['200 with -32601', (rpc: { id?: number | string }) => ({ status: 200, body: rpcError(rpc, -32601) })],
  ])('takes a server for legacy that answers discover with %s and initializes', async (_, answer) => {
    const rest = legacy(({ rpc }, response) => json(response, result(rpc)))
    await using server = await serve((seen, response) => {
      if (seen.rpc.method !== 'server/discover') {
        rest(seen, response)
        return
      }
      const { status, body } = answer(seen.rpc)
      if (typeof body === 'string') response.writeHead(status).end(body)
      else json(response, body, status)
    })
    await using opened = connect(server.url)
    expect(await opened.connection.identify(io())).toMatchObject({ era: 'legacy', serverInfo: { name: 'fake' } })
  })

  it.each([-32020, -32021, -32601])(
    'takes a server for modern that answers 4xx with %d and cannot be initialized',
    async (code) => {
      await using server = await serve(({ rpc }, response) => {
        const isDiscover = rpc.method === 'server/discover'
        json(response, rpcError(rpc, isDiscover ? code : -32601), isDiscover && code !== -32601 ? 400 : 404)
      })
      await using opened = connect(server.url, { transport: 'http' })
      expect(await opened.connection.identify(io())).toMatchObject({ era: 'modern' })
    },
  )

  it('does not identify a server of unknown modern versions', async () => {
    await using server = await serve(({ rpc }, response) => json(response, rpcError(rpc, -32022), 400))
    await using opened = connect(server.url)
    expect(await rejection(opened.connection.identify(io()))).toMatchObject({ code: 'UPSTREAM_NOT_IDENTIFIED' })
  })

  it.each([
    [401, 'UPSTREAM_UNAUTHORIZED'],
    [403, 'UPSTREAM_UNAUTHORIZED'],
    [500, 'UPSTREAM_HTTP_STATUS'],
    [503, 'UPSTREAM_HTTP_STATUS'],
  ])('takes %d for no evidence', async (status, code) => {
    await using server = await serve((_, response) => response.writeHead(status).end())
    await using opened = connect(server.url)
    expect(await rejection(opened.connection.identify(io()))).toMatchObject({ code })
    expect(opened.connection.identity).toBeUndefined()
    expect(server.seen).toHaveLength(1)
  })

  it('obeys an override', async () => {
    const rest = legacy(({ rpc }, response) => json(response, result(rpc)))
    await using server = await serve((seen, response) => {
      if (seen.rpc.method === 'server/discover') json(response, result(seen.rpc, DISCOVERED))
      else rest(seen, response)
    })
    await using asLegacy = connect(server.url, { protocol: 'legacy' })
    await using asModern = connect(server.url, { protocol: 'modern' })
    expect((await asLegacy.connection.identify(io())).era).toBe('legacy')
    expect((await asModern.connection.identify(io())).era).toBe('modern')
  })

  it('does not fall back when the override says modern', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, result(rpc))))
    await using opened = connect(server.url, { protocol: 'modern' })
    expect(await rejection(opened.connection.identify(io()))).toMatchObject({ code: 'UPSTREAM_NOT_IDENTIFIED' })
  })

  it('finds the endpoint under /mcp when the URL has no path', async () => {
    await using server = await serve(({ rpc, path }, response) => {
      if (path === '/mcp') json(response, result(rpc, DISCOVERED))
      else response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>')
    }, '')
    await using opened = connect(server.url)
    expect((await opened.connection.identify(io())).url).toBe(`${server.url}/mcp`)
  })

  it('says so when nobody speaks MCP there', async () => {
    await using server = await serve((_, response) => response.writeHead(404).end(), '')
    await using opened = connect(server.url)
    expect(await rejection(opened.connection.identify(io()))).toMatchObject({
      code: 'UPSTREAM_NOT_IDENTIFIED',
      sent: true,
    })
  })
})

describe('mcpProbe', () => {
  const clientInfo = { name: 'mcp-platform', version: '0.1.0' }
  const signal = new AbortController().signal

  it('finds a modern server fit, asking discover each time', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc, DISCOVERED)))
    await using opened = connect(server.url)
    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
    expect(await probe(1, signal)).toBeUndefined()
    expect(await probe(1, signal)).toBeUndefined()
    expect(server.seen.map((one) => one.rpc.method)).toEqual(['server/discover', 'server/discover'])
  })

  it('pings a legacy server in a kept session', async () => {
    await using server = await serve(legacy(({ rpc }, response) => json(response, result(rpc))))
    await using opened = connect(server.url, { clientInfo })
    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
    await probe(1, signal)
    await probe(1, signal)
    const methods = server.seen.map((one) => one.rpc.method)
    expect(methods).toEqual(['server/discover', 'initialize', 'notifications/initialized', 'ping', 'ping'])
  })

  it.each([401, 403])('holds a server that answers %d', async (status) => {
    await using server = await serve((_, response) => response.writeHead(status).end())
    await using opened = connect(server.url)
    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
    expect(await probe(1, signal)).toEqual({ verdict: 'held', reason: 'unauthenticated' })
  })

  it('holds a modern server that comes back under another name', async () => {
    let name = 'one'
    await using server = await serve(({ rpc }, response) => {
      json(
        response,
        result(rpc, { ...DISCOVERED, _meta: { 'io.modelcontextprotocol/serverInfo': { name, version: '1' } } }),
      )
    })
    await using opened = connect(server.url)
    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
    expect(await probe(1, signal)).toBeUndefined()
    name = 'two'
    expect(await probe(1, signal)).toEqual({ verdict: 'held', reason: 'identity_changed' })
    name = 'one'
    expect(await probe(1, signal)).toBeUndefined()
  })

  it('holds a legacy server that lost our session and comes back under another name', async () => {
    let name = 'one'
    let valid = 'session-1'
    await using server = await serve(
      legacy(
        ({ rpc, headers }, response) => {
          if (headers['mcp-session-id'] === valid) json(response, result(rpc))
          else response.writeHead(404).end()
        },
        { name: () => name },
      ),
    )
    await using opened = connect(server.url, { clientInfo })
    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
    expect(await probe(1, signal)).toBeUndefined()
    name = 'two'
    valid = 'session-2'
    expect(await probe(1, signal)).toEqual({ verdict: 'held', reason: 'identity_changed' })
  })

  it('rejects for a server that fails, and finds the era anew afterwards', async () => {
    let isModern = true
    const rest = legacy(({ rpc }, response) => json(response, result(rpc)))
    await using server = await serve((seen, response) => {
      if (isModern) json(response, result(seen.rpc, DISCOVERED))
      else rest(seen, response)
    })
    await using opened = connect(server.url, { clientInfo })
    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo })
    await probe(1, signal)
    isModern = false
    expect(await rejection(probe(1, signal))).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' })
    expect(await probe(1, signal)).toEqual({ verdict: 'held', reason: 'identity_changed' })
    expect(opened.connection.identity?.era).toBe('legacy')
  })

  it('calls a tool when told to, and takes isError for unfit', async () => {
    let isError = false
    await using server = await serve(({ rpc }, response) => {
      if (rpc.method === 'server/discover') json(response, result(rpc, DISCOVERED))
      else {
        events(response)
        response.end(event(result(rpc, { content: [], isError })))
      }
    })
    await using opened = connect(server.url)
    const toolProbe = { name: 'echo', arguments: { message: 'hi' } }
    const probe = mcpProbe({ connectionOf: () => opened.connection, clientInfo, toolProbe })
    expect(await probe(1, signal)).toBeUndefined()
    expect(server.seen[1]?.rpc.params).toMatchObject({ name: 'echo', arguments: { message: 'hi' } })
    isError = true
    expect(await rejection(probe(1, signal))).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' })
  })
})
