import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { type FloodServer, serveFlood } from './support/flood-server.js'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, modern } from './support/mcp.js'

const child = fileURLToPath(new URL('support/flood-server.ts', import.meta.url))
const MAX_STALL_MS = 4_000
const PATIENCE = { pollMs: 20 } as const
const flood = { name: 'flood', arguments: {}, _meta: { progressToken: 1 } }
const echo = { name: 'echo', arguments: {} }

let harness: Harness
const servers: Record<string, FloodServer> = {}
const sockets: Socket[] = []

beforeEach(async () => {
  servers['http'] = await serveFlood('http')
  servers['sse'] = await serveFlood('sse')
  harness = await startGateway(
    {
      http: [{ id: 'one', endpoint: servers['http'].url }],
      sse: [{ id: 'one', endpoint: servers['sse'].url, transport: 'sse' }],
      stdio: [{ id: 'one', command: process.execPath, args: [child] }],
    },
    { maxStallMs: MAX_STALL_MS, settings: { max_answer_bytes: 1_000_000_000, stdio: { sharing: 'shared' } } },
  )
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await harness.stop()
  for (const server of Object.values(servers)) await server.close()
})

interface RawRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** Sends a request and never reads a byte of what is answered. */
function sendWithoutReading({ method = 'POST', path, headers = {}, body }: RawRequest): Socket {
  const text = body === undefined ? '' : JSON.stringify(body)
  const head = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
    'content-length': Buffer.byteLength(text),
    ...headers,
  }
  const socket = connect(Number(new URL(harness.base).port), '127.0.0.1').pause()
  sockets.push(socket)
  socket.on('error', () => socket.destroy())
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`)
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`)
  return socket
}

/** Waits until the server has said nothing for so long that nothing on the way can be reading. */
async function heldBack(template: string): Promise<void> {
  let said = 0
  let quiet = 0
  const isQuiet = (): boolean => {
    const { said: now = 0, floods = 0 } = servers[template] ?? {}
    quiet = floods > 0 && now === said ? quiet + 1 : 0
    said = now
    return quiet > 10
  }
  await waitFor(isQuiet, { ...PATIENCE, what: 'nothing holds the server back' })
}

/** Waits until the server can go on: the reader that held it back was cut. */
async function letGo(template: string): Promise<void> {
  const before = servers[template]?.said ?? 0
  await waitFor(() => (servers[template]?.said ?? 0) > before + 100, { ...PATIENCE, what: 'the reader was not cut' })
}

/** The connection was closed by the gateway: reading on, its end comes. Only now, since one that reads is not cut. */
const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve).resume())

async function othersAreServed(template: string): Promise<void> {
  const session = await LegacySession.open(`${harness.base}/mcp/${template}`)
  expect((await session.call('tools/call', echo)).response).toMatchObject({ result: { content: [{ text: 'here' }] } })
  expect((await modern(`${harness.base}/mcp/${template}`, 'tools/call', echo)).status).toBe(200)
  await session.end()
}

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: flood }

describe.each(['http', 'sse'])('a reader of a call on a server over %s that takes nothing', (template) => {
  it('as a 2025 client holds back the server, nobody else, and is cut', async () => {
    const session = await LegacySession.open(`${harness.base}/mcp/${template}`)
    const headers = { 'mcp-session-id': session.id }
    const socket = sendWithoutReading({ path: `/mcp/${template}`, headers, body: call })
    await heldBack(template)
    await othersAreServed(template)
    await letGo(template)
    await closed(socket)
    // It may come back for the answer: hanging up is no cancelling, ending the session is.
    expect(harness.gateway.inFlight).toBe(1)
    await session.end()
    await waitFor(() => servers[template]?.floods === 0, { ...PATIENCE, what: 'the server was not told' })
  })

  it('as a 2026 client holds back the server, nobody else, is cut, and its call is cancelled', async () => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      progressToken: 1,
    }
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'flood' }
    const body = { ...call, params: { ...flood, _meta } }
    const socket = sendWithoutReading({ path: `/mcp/${template}`, headers, body })
    await heldBack(template)
    await othersAreServed(template)
    await waitFor(() => servers[template]?.floods === 0, { ...PATIENCE, what: 'the server was not told' })
    await closed(socket)
  })

  it('on the one stream of the old transport holds back the server, nobody else, and is cut', async () => {
    const abort = new AbortController()
    const first = await fetch(`${harness.base}/mcp/${template}/sse`, { signal: abort.signal })
    const reader = first.body?.pipeThrough(new TextDecoderStream()).getReader()
    const path = /data: (\S+)/.exec((await reader?.read())?.value ?? '')?.[1] ?? ''
    const post = (message: object): Promise<Response> =>
      fetch(harness.base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      })
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'old', version: '1' } }
    await post({ id: 0, method: 'initialize', params })
    await reader?.read()
    await post({ id: 1, method: 'tools/call', params: flood })
    await heldBack(template)
    await othersAreServed(template)
    // Cut, its session is over and its call cancelled.
    await waitFor(() => servers[template]?.floods === 0, { ...PATIENCE, what: 'the server was not told' })
    abort.abort()
  })
})

describe('a reader of its session’s own stream that takes nothing', () => {
  it('holds back the server, nobody else, and is cut', async () => {
    const session = await LegacySession.open(`${harness.base}/mcp/http`)
    const socket = sendWithoutReading({ method: 'GET', path: '/mcp/http', headers: { 'mcp-session-id': session.id } })
    const apart = { name: 'flood', arguments: { apart: true } }
    expect((await session.call('tools/call', apart)).status).toBe(200)
    await heldBack('http')
    await othersAreServed('http')
    expect((await session.call('tools/call', echo)).status).toBe(200)
    await letGo('http')
    await closed(socket)
    await session.end()
  })
})

describe('a reader of a call on a shared child that takes nothing', () => {
  it('blocks nobody else on the child, and is cut', async () => {
    const session = await LegacySession.open(`${harness.base}/mcp/stdio`)
    const headers = { 'mcp-session-id': session.id }
    const socket = sendWithoutReading({ path: '/mcp/stdio', headers, body: call })
    await waitFor(() => harness.gateway.inFlight === 1, { ...PATIENCE, what: 'the call did not begin' })
    const startedAt = performance.now()
    while (performance.now() - startedAt < MAX_STALL_MS + 1_000) await othersAreServed('stdio')
    await closed(socket)
    await session.end()
    await waitFor(() => harness.gateway.inFlight === 0, { ...PATIENCE, what: 'the call did not end' })
  })
})
