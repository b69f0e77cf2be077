import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  type ExchangeLimits,
  type ExchangeOptions,
  HttpConnection,
  type HttpConnectionOptions,
  type Phase,
  scanEnvelope,
  type UpstreamEvent,
  type UpstreamMessage,
  type UpstreamReply,
} from '../../src/index.js'

/** A JSON-RPC message as a fake server sees it. */
export interface Rpc {
  readonly id?: number | string
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
}

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly rpc: Rpc
}

export interface Fake extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly seen: readonly Seen[]
  readonly sockets: ReadonlySet<Socket>
}

type Answer = (seen: Seen, response: ServerResponse) => void

/** An HTTP server that answers as told and remembers what it was asked. */
export async function serve(answer: Answer, path = '/mcp'): Promise<Fake> {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const one = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          rpc: body === '' ? {} : (JSON.parse(body) as Rpc),
        }
        seen.push(one)
        answer(one, response)
      },
      () => response.destroy(),
    )
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { url: `http://127.0.0.1:${port}${path}`, port, seen, sockets, [Symbol.asyncDispose]: stop }
}

/** A TCP server whose every socket is handled by hand. */
export async function serveTcp(handle: (socket: Socket) => void): Promise<{ url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    handle(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return { url: `http://127.0.0.1:${port}/mcp`, [Symbol.asyncDispose]: stop }
}

export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

export function events(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
}

export function event(message: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`
}

export const result = (rpc: Rpc, value: unknown = {}): unknown => ({ jsonrpc: '2.0', id: rpc.id, result: value })
export const progress = (token: unknown, step: number): unknown => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: token, progress: step },
})

const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'fake', version: '1' },
}

/** Answers the opening of a legacy session; `rest` gets everything else. */
export function legacy(
  rest: Answer,
  options: { sessionId?: (nth: number) => string; name?: () => string } = {},
): Answer {
  let sessions = 0
  return (seen, response) => {
    const { rpc } = seen
    if (rpc.method === 'server/discover') json(response, rpcError(rpc, -32000, 'no session'), 400)
    else if (rpc.method === 'initialize') {
      sessions += 1
      const id = options.sessionId?.(sessions) ?? `session-${sessions}`
      const named = { ...INITIALIZED, serverInfo: { name: options.name?.() ?? 'fake', version: '1' } }
      json(response, result(rpc, named), 200, { 'mcp-session-id': id })
    } else if (rpc.method?.startsWith('notifications/') === true) response.writeHead(202).end()
    else if (seen.method === 'DELETE') response.writeHead(200).end()
    else rest(seen, response)
  }
}

export const rpcError = (rpc: Rpc, code: number, message = ''): unknown => ({
  jsonrpc: '2.0',
  id: rpc.id ?? null,
  error: { code, message },
})

/** A modern request as a client would send it. */
export function modernMessage(
  method: string,
  params: Record<string, unknown> = {},
  id: unknown = 'caller-1',
): UpstreamMessage {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    ...(params['_meta'] as object | undefined),
  }
  return rawMessage({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } })
}

export function rawMessage(value: unknown): UpstreamMessage {
  const body = Buffer.from(JSON.stringify(value))
  return { body, envelope: scanEnvelope(body) }
}

export const LIMITS: ExchangeLimits = { connectMs: 2_000, firstByteMs: 5_000, idleMs: 5_000, maxAnswerBytes: 1_000_000 }

export interface Io extends ExchangeOptions {
  readonly phases: Phase[]
}

export function io(limits: Partial<ExchangeLimits> = {}, signal: AbortSignal = new AbortController().signal): Io {
  const phases: Phase[] = []
  return { signal, limits: { ...LIMITS, ...limits }, phases, onPhase: (phase) => phases.push(phase) }
}

export interface Opened extends AsyncDisposable {
  readonly connection: HttpConnection
  readonly events: UpstreamEvent[]
}

export function connect(url: string, options: Partial<HttpConnectionOptions> = {}): Opened {
  const seen: UpstreamEvent[] = []
  const connection = new HttpConnection({
    url,
    guard: { allowLoopback: true },
    onEvent: (one) => seen.push(one),
    ...options,
  })
  return { connection, events: seen, [Symbol.asyncDispose]: () => connection.close() }
}

/** Everything that a reply hands over, parsed. */
export async function collect(reply: UpstreamReply): Promise<unknown[]> {
  if (reply.kind === 'accepted') return []
  if (reply.kind === 'complete') return [JSON.parse(reply.json.toString())]
  const messages: unknown[] = []
  await reply.pipe({
    message: (body) => {
      messages.push(JSON.parse(body.toString()))
    },
  })
  return messages
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`)
    },
    (error: unknown) => error,
  )
}

export async function freePort(): Promise<number> {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The reference server of SDK 1.x, as a process. */
export async function everything(mode: 'streamableHttp' | 'sse'): Promise<{ origin: string } & AsyncDisposable> {
  const port = await freePort()
  const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')
  const script = join(dirname(manifest), 'dist/index.js')
  const child = spawn(process.execPath, [script, mode], {
    env: { PATH: process.env['PATH'], PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const closed = once(child, 'close')
  // Read to the end: a server that cannot write its log dies of it.
  const ready = Promise.withResolvers<void>()
  child.stderr.on('data', (chunk) => {
    if (/listening|running on port/.test(String(chunk))) ready.resolve()
  })
  closed.then(() => ready.reject(new Error('server-everything exited')), ready.reject)
  await ready.promise
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await closed
  }
  return { origin: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop }
}
