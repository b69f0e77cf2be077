import { randomUUID } from 'node:crypto'
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { anonymous, type Principal } from '@mcp-platform/auth'
import { waitFor } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'

/** The bound of one process; each principal may have 1,000 of them. */
const SESSIONS = 10_000
const PRINCIPALS = 10
const AT_ONCE = 100
const IDLE_MS = 1_000
/** Bounds how long a state is waited for; on a quiet machine each is there within seconds. */
const PATIENCE = { timeoutMs: 60_000, pollMs: 250 } as const

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

let harness: Harness | undefined
let server: Server
let agent: Agent
const sessions = new Set<string>()

beforeEach(async () => {
  sessions.clear()
  agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  server = createServer((incoming, response) => void serve(incoming, response))
  // Each session asks for a stream of its own: with the usual backlog some connections would still knock when all is over.
  const backlog = 4_096
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog }, resolve))
})

afterEach(async () => {
  agent.destroy()
  await harness?.stop()
  // A connect that is under way cannot be taken back. Those of the sessions' streams that still knock are let in first.
  await waitFor(() => Promise.resolve(!process.getActiveResourcesInfo().includes('ConnectWrap')), {
    ...PATIENCE,
    what: 'connections are still being opened',
  })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** A 2025 server that remembers its sessions and nothing else: a log of requests would be all that a heap shows. */
async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const chunk of incoming) text += chunk
  if (incoming.method === 'DELETE') sessions.delete(String(incoming.headers['mcp-session-id']))
  if (incoming.method !== 'POST') return void response.writeHead(incoming.method === 'DELETE' ? 200 : 405).end()
  const { id, method } = JSON.parse(text)
  if (id === undefined) return void response.writeHead(202).end()
  const answer = (status: number, outcome: object, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { ...JSON_TYPE, ...headers }).end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }))
  }
  if (method === 'initialize') {
    const session = randomUUID()
    sessions.add(session)
    const serverInfo = { name: 'rememberer', version: '1' }
    const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }
    return answer(200, { result }, { 'mcp-session-id': session })
  }
  if (sessions.has(String(incoming.headers['mcp-session-id']))) return answer(200, { result: { tools: [] } })
  answer(400, { error: { code: -32000, message: 'Bad Request: Server not initialized' } })
}

const JSON_TYPE = { 'content-type': 'application/json' }

function principalOf({ headers }: IncomingMessage): Principal {
  const name = String(headers['x-test-principal'])
  return { ...anonymous, id: `user:${name}`, kind: 'user', name }
}

/** `initialize` by a client that will never be heard of again; resolves to the HTTP status. */
function open(base: string, principal: number): Promise<number> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'gone', version: '1' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const headers = {
    ...JSON_TYPE,
    accept: 'application/json, text/event-stream',
    'content-length': Buffer.byteLength(body),
    'x-test-principal': principal,
  }
  return new Promise((resolve, reject) => {
    const sent = request(`${base}/mcp/t`, { method: 'POST', headers, agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
    sent.once('error', reject).end(body)
  })
}

async function openAndAbandon(base: string, count: number): Promise<Set<number>> {
  const statuses = new Set<number>()
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const chunk = Array.from({ length: AT_ONCE }, (_, at) => open(base, at % PRINCIPALS))
    for (const status of await Promise.all(chunk)) statuses.add(status)
  }
  return statuses
}

function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

describe('10,000 sessions that were opened and abandoned', () => {
  it('are as many as there may be, and leave nothing at either end when their time is over', async () => {
    let clock = 0
    const { port } = server.address() as AddressInfo
    harness = await startGateway(
      { t: [{ id: 'one', endpoint: `http://127.0.0.1:${port}/mcp` }] },
      { now: () => clock, sessionIdleMs: IDLE_MS, authenticate: principalOf, onEvent: () => undefined },
    )
    const { base } = harness
    const ofProbes = sessions.size
    expect(await openAndAbandon(base, AT_ONCE)).toEqual(new Set([200]))
    const before = heapBytes()
    expect(await openAndAbandon(base, SESSIONS - AT_ONCE)).toEqual(new Set([200]))
    expect(sessions.size).toBe(ofProbes + SESSIONS)
    expect(await open(base, PRINCIPALS)).not.toBe(200)
    const taken = heapBytes() - before
    clock += IDLE_MS + 1
    await waitFor(() => sessions.size <= ofProbes, { ...PATIENCE, what: 'sessions are left at the server' })
    expect(await open(base, PRINCIPALS)).toBe(200)
    // What stays are connections to the server that are kept for the next call.
    await waitFor(() => heapBytes() - before < taken / 4, { ...PATIENCE, what: 'memory did not return' })
  }, 240_000)
})
