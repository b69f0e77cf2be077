/*
 * A legacy server whose tool `flood` says more than any buffer holds, as fast as it is read, until its call is cancelled
 * or its reader is gone: as progress of the call or, with `{ apart: true }`, on the session's own stream. `echo` answers
 * at once. Over Streamable HTTP, over the deprecated HTTP+SSE, or on stdio:
 *   node flood-server.ts
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

type Json = Record<string, unknown>

export interface FloodServer {
  readonly url: string
  /** Floods that go on. */
  readonly floods: number
  /** Messages of all floods that were written. */
  readonly said: number
  close(): Promise<void>
}

const FILLING = 'x'.repeat(65_536)
const EVENT_STREAM = { 'content-type': 'text/event-stream' }

const asEvent = (message: Json): string => `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
const asLine = (message: Json): string => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`

class Floods {
  readonly #running = new Map<unknown, AbortController>()
  said = 0

  get size(): number {
    return this.#running.size
  }

  cancel(id: unknown): void {
    this.#running.get(id)?.abort()
  }

  async run(id: unknown, progressToken: unknown, out: Writable, frame: (message: Json) => string): Promise<void> {
    const abort = new AbortController()
    this.#running.set(id, abort)
    const stop = (): void => abort.abort()
    out.once('close', stop)
    for (let progress = 1; !abort.signal.aborted; progress++) {
      const message =
        progressToken === undefined
          ? { method: 'notifications/message', params: { level: 'info', data: FILLING } }
          : { method: 'notifications/progress', params: { progressToken, progress, message: FILLING } }
      this.said += 1
      if (out.write(frame(message))) await nextTurn()
      // An abort is seen by the loop.
      else await once(out, 'drain', { signal: abort.signal }).catch(() => undefined)
    }
    out.off('close', stop)
    this.#running.delete(id)
  }
}

function outcomeOf(method: unknown, params: Json): Json {
  const serverInfo = { name: 'flood', version: '1' }
  if (method === 'initialize')
    return {
      result: { protocolVersion: params['protocolVersion'], capabilities: { tools: {}, logging: {} }, serverInfo },
    }
  if (method === 'tools/list')
    return { result: { tools: ['flood', 'echo'].map((name) => ({ name, inputSchema: { type: 'object' } })) } }
  if (method === 'tools/call') return { result: { content: [{ type: 'text', text: 'here' }] } }
  if (method === 'ping' || method === 'logging/setLevel') return { result: {} }
  return { error: { code: -32601, message: 'Method not found' } }
}

const isFlood = ({ method, params }: Json): boolean => method === 'tools/call' && Object(params).name === 'flood'

async function readJson(request: IncomingMessage): Promise<Json> {
  let text = ''
  for await (const chunk of request) text += chunk
  return Object(JSON.parse(text))
}

export async function serveFlood(transport: 'http' | 'sse'): Promise<FloodServer> {
  const floods = new Floods()
  const streams = new Map<string, ServerResponse>()

  const answerHttp = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const session = String(request.headers['mcp-session-id'] ?? randomUUID())
    if (request.method === 'GET') {
      streams.set(session, response.writeHead(200, EVENT_STREAM))
      response.flushHeaders()
      return
    }
    if (request.method !== 'POST') return void response.writeHead(200).end()
    const message = await readJson(request)
    const { id, method, params } = message
    if (method === 'notifications/cancelled') floods.cancel(Object(params).requestId)
    if (method === undefined || id === undefined) return void response.writeHead(202).end()
    const apart = Object(params).arguments?.apart === true ? streams.get(session) : undefined
    if (isFlood(message) && !apart) {
      return floods.run(id, Object(params)._meta?.progressToken, response.writeHead(200, EVENT_STREAM), asEvent)
    }
    if (apart) void floods.run(id, undefined, apart, asEvent)
    response
      .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session })
      .end(JSON.stringify({ jsonrpc: '2.0', id, ...outcomeOf(method, Object(params)) }))
  }

  const answerSse = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const session = new URL(request.url ?? '', 'http://localhost').searchParams.get('session') ?? randomUUID()
    if (request.method === 'GET') {
      streams.set(session, response.writeHead(200, EVENT_STREAM))
      response.write(`event: endpoint\ndata: /sse?session=${session}\n\n`)
      return
    }
    const stream = streams.get(session)
    const message = await readJson(request)
    const { id, method, params } = message
    if (!stream) return void response.writeHead(400).end()
    response.writeHead(202).end()
    if (method === 'notifications/cancelled') floods.cancel(Object(params).requestId)
    if (method === undefined || id === undefined) return
    if (isFlood(message)) return floods.run(id, Object(params)._meta?.progressToken, stream, asEvent)
    stream.write(asEvent({ id, ...outcomeOf(method, Object(params)) }))
  }

  const answer = transport === 'http' ? answerHttp : answerSse
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${transport === 'http' ? 'mcp' : 'sse'}`,
    get floods() {
      return floods.size
    },
    get said() {
      return floods.said
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

if (process.argv[1]?.endsWith('flood-server.ts')) {
  const floods = new Floods()
  let held = ''
  process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (held + chunk).split('\n')
    held = lines.pop() ?? ''
    for (const line of lines) {
      const message: Json = Object(JSON.parse(line))
      const { id, method, params } = message
      if (method === 'notifications/cancelled') floods.cancel(Object(params).requestId)
      if (id === undefined || method === undefined) continue
      if (isFlood(message)) void floods.run(id, Object(params)._meta?.progressToken, process.stdout, asLine)
      else process.stdout.write(asLine({ id, ...outcomeOf(method, Object(params)) }))
    }
  })
}
