import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js'
import type { Notebook } from './notebook.js'
import { Sessions } from './sessions.js'

/** Options of {@link serveHttp}. */
export interface HttpOptions {
  /** 0: a free one. */
  readonly port: number
  readonly notebook: Notebook
}

/** The server while it listens. */
export interface HttpServing {
  readonly url: string
  readonly sessionCount: number
  /** Ends all sessions and connections. */
  close(): Promise<void>
}

/** Request bodies beyond this many bytes are refused. */
const MAX_BODY_BYTES = 4 * 1024 * 1024
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/** Serves the notebook over Streamable HTTP at `/mcp` of 127.0.0.1, with a session per client. */
export async function serveHttp({ port, notebook }: HttpOptions): Promise<HttpServing> {
  const sessions = new Sessions(notebook)
  const server = createServer((request, response) => {
    handle(request, response, sessions).catch((error: unknown) => {
      console.error('notes: a request failed:', error)
      if (!response.headersSent) fail(response, 500, -32603, 'Internal server error')
    })
  })
  await listen(server, port)
  const address = server.address()
  const actual = address !== null && typeof address === 'object' ? address.port : port
  return {
    url: `http://127.0.0.1:${actual}/mcp`,
    get sessionCount() {
      return sessions.size
    },
    close: () => close(server, sessions),
  }
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

async function close(server: Server, sessions: Sessions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  await sessions.closeAll()
  server.closeAllConnections()
  await closed
}

async function handle(request: IncomingMessage, response: ServerResponse, sessions: Sessions): Promise<void> {
  // A page in a browser could reach a server on loopback by DNS rebinding: only local names may ask.
  if (!isLocal(request)) return fail(response, 403, -32000, 'Forbidden: foreign Host or Origin')
  if (request.url?.split('?')[0] !== '/mcp') return fail(response, 404, -32000, 'Not found: the endpoint is /mcp')
  if (request.method !== 'POST') return handleSession(request, response, sessions)
  const body = await readJson(request)
  if (body === undefined) return fail(response, 400, -32700, 'Parse error, or more than 4 MiB')
  const id = request.headers['mcp-session-id']
  if (id === undefined && !isInitializeRequest(body)) return fail(response, 400, -32000, 'Bad Request: no session id')
  const transport = typeof id === 'string' ? sessions.use(id) : await sessions.open()
  if (transport === undefined) return fail(response, 404, -32001, 'Session not found')
  await transport.handleRequest(request, response, body)
}

async function handleSession(request: IncomingMessage, response: ServerResponse, sessions: Sessions): Promise<void> {
  const id = request.headers['mcp-session-id']
  if (typeof id !== 'string') return fail(response, 400, -32000, 'Bad Request: no session id')
  const transport = sessions.use(id)
  if (transport === undefined) return fail(response, 404, -32001, 'Session not found')
  await transport.handleRequest(request, response)
}

function isLocal({ headers }: IncomingMessage): boolean {
  if (!LOOPBACK.test(headers.host ?? '')) return false
  return headers.origin === undefined || LOOPBACK.test(headers.origin.replace(/^https?:\/\//, ''))
}

/** Undefined for what is no JSON, and for too much of it. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined // The caller answers a parse error.
  }
}

function fail(response: ServerResponse, status: number, code: number, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }))
}
