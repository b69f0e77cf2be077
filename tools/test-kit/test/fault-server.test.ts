import { afterEach, describe, expect, it } from '@jest/globals'
import { type Fault, type FaultServer, faults, startFaultServer, waitFor } from '../src/index.js'
import { callModern, postLegacy } from './wire.js'

let server: FaultServer

afterEach(() => server.stop())

describe('a fault server without faults', () => {
  it('answers a modern call and counts the canary', async () => {
    server = await startFaultServer()
    const answer = await (await callModern(server.url, 'echo', { canary: 'a', text: 'hi' })).json()
    expect(answer).toMatchObject({ id: 7, result: { resultType: 'complete', structuredContent: { text: 'hi' } } })
    expect(server.executions('a')).toBe(1)
    expect(server.requestsFor('tools/call')[0]).toMatchObject({
      target: 'echo',
      headers: { 'mcp-method': 'tools/call' },
    })
  })

  it('opens, demands and loses legacy sessions', async () => {
    server = await startFaultServer()
    const opened = await postLegacy(server.url, {
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18' },
    })
    expect(await opened.json()).toMatchObject({ result: { protocolVersion: '2025-06-18' } })
    const session = opened.headers.get('mcp-session-id') ?? ''
    const list = { id: 2, method: 'tools/list', params: {} }
    expect((await postLegacy(server.url, list, session)).status).toBe(200)
    expect((await postLegacy(server.url, list)).status).toBe(400)
    server.loseSessions()
    expect((await postLegacy(server.url, list, session)).status).toBe(404)
  })

  it('refuses a modern request whose header contradicts its body', async () => {
    server = await startFaultServer(undefined, { era: 'modern' })
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'other' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'echo',
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: -32020 } })
    expect(server.totalExecutions).toBe(0)
  })

  it('sends progress before the result on one event stream', async () => {
    server = await startFaultServer()
    const response = await callModern(server.url, 'progress', { steps: 2 })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const methods = (await response.text()).match(/"method":"[^"]+"|"result"/g)
    expect(methods).toEqual(['"method":"notifications/progress"', '"method":"notifications/progress"', '"result"'])
  })

  it('passes raw results and unknown fields byte for byte', async () => {
    const definition = { name: 'odd', inputSchema: { type: 'object' }, 'x-vendor': [1] }
    const odd = {
      definition,
      run: () => ({ rawResult: '{"content":[{"type":"hologram"}],  "big":12345678901234567890}' }),
    }
    server = await startFaultServer(undefined, { tools: [odd] })
    expect(await (await callModern(server.url, 'odd')).text()).toContain('  "big":12345678901234567890}')
  })
})

describe('a fault server with a script', () => {
  const statuses: readonly [string, Fault, number, number][] = [
    ['500', faults.serverError(), 500, 1],
    ['503', faults.unavailable(2), 503, 0],
    ['429', faults.tooMany(), 429, 0],
    ['401', faults.unauthorized(), 401, 0],
    ['302', faults.redirect('http://127.0.0.1:1/'), 302, 0],
  ]
  it.each(statuses)('answers %s and executes only when a server would have', async (_name, fault, status, executed) => {
    server = await startFaultServer(fault)
    const response = await callModern(server.url, 'echo')
    await response.arrayBuffer()
    expect([response.status, server.totalExecutions]).toEqual([status, executed])
  })

  const broken: readonly Fault[] = [
    { kind: 'reset' },
    { kind: 'fin' },
    { kind: 'garbage' },
    { kind: 'truncated-body' },
    { kind: 'truncated-sse' },
  ]
  it.each(broken)('breaks the answer by $kind after the tool ran', async (fault) => {
    server = await startFaultServer(fault)
    const read = callModern(server.url, 'echo').then((response) => response.text())
    await expect(read).rejects.toThrow()
    expect(server.totalExecutions).toBe(1)
  })

  const odd: readonly [Fault, RegExp][] = [
    [{ kind: 'bad-json' }, /^\{"jsonrpc":"2.0","id":$/],
    [{ kind: 'html' }, /^<!doctype html>/],
    [{ kind: 'empty' }, /^$/],
    [{ kind: 'wrong-id' }, /"id":"nobody-asked-for-this"/],
    [{ kind: 'gzip' }, /"result"/],
    [{ kind: 'slow-headers', byteDelayMs: 0 }, /"result"/],
    [{ kind: 'slow-body', sliceBytes: 50, sliceDelayMs: 0 }, /"result"/],
    [{ kind: 'rpc-error', code: -32000, message: 'no' }, /"code":-32000/],
    [{ kind: 'huge', bytes: 3_000_000 }, /x{3000000}/],
  ]
  it.each(odd)('answers oddly: %j', async (fault, expected) => {
    server = await startFaultServer(fault)
    expect(await (await callModern(server.url, 'echo')).text()).toMatch(expected)
  })

  it.each([{ kind: 'silence' }, { kind: 'stalled-sse' }] satisfies Fault[])('never ends by $kind', async (fault) => {
    server = await startFaultServer(fault)
    const gaveUp = AbortSignal.timeout(200)
    const read = fetch(server.url, { method: 'POST', body: await sampleCall(), signal: gaveUp, headers: sampleHeaders })
    await expect(read.then((response) => response.text())).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('uses up a list of faults and then behaves', async () => {
    server = await startFaultServer([faults.serverError(), faults.unavailable()])
    const statuses = []
    for (let call = 0; call < 3; call += 1) statuses.push((await callModern(server.url, 'echo')).status)
    expect(statuses).toEqual([500, 503, 200])
  })

  it('fails a seeded share of the calls', async () => {
    server = await startFaultServer({ kind: 'sometimes-500', ratio: 0.5 }, { seed: 3 })
    let failed = 0
    for (let call = 0; call < 40; call += 1) failed += (await callModern(server.url, 'echo')).status === 500 ? 1 : 0
    expect(failed).toBeGreaterThan(10)
    expect(failed).toBeLessThan(30)
  })
})

describe('connections of a fault server', () => {
  it('are refused, and accepted again on the same port', async () => {
    server = await startFaultServer()
    await server.setConnections('refuse')
    await expect(callModern(server.url, 'echo')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await server.setConnections('accept')
    expect((await callModern(server.url, 'echo')).status).toBe(200)
  })

  it('are reset on accept', async () => {
    server = await startFaultServer()
    await server.setConnections('reset')
    await expect(callModern(server.url, 'echo')).rejects.toMatchObject({ name: 'TypeError' })
    expect(server.requests).toEqual([])
  })

  it('carry notifications on legacy GET streams', async () => {
    server = await startFaultServer(undefined, { sessions: false })
    const stream = await fetch(server.url)
    const reader = stream.body?.getReader()
    await reader?.read()
    server.notify('notifications/tools/list_changed')
    const chunk = await reader?.read()
    expect(new TextDecoder().decode(chunk?.value)).toContain('list_changed')
    await reader?.cancel()
    await waitFor(() => server.connections.open === 0)
  })
})

const sampleHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }

async function sampleCall(): Promise<string> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', _meta } })
}
