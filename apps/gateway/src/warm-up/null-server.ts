import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

const JSON_TYPE = 'application/json'
/** What each list says, so that nobody asks for it again while calls are made. */
const LISTED = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' }
const SERVER = {
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  serverInfo: { name: 'null', version: '1' },
}
const TOOL = { name: 'ping', inputSchema: { type: 'object' } }
const PONG = { resultType: 'complete', content: [{ type: 'text', text: 'pong' }] }

const RESULTS: ReadonlyMap<string, object> = new Map<string, object>([
  ['server/discover', { ...LISTED, ...SERVER }],
  ['tools/list', { ...LISTED, tools: [TOOL] }],
  ['tools/call', PONG],
])

/** A server on a free port of this machine, for as long as the warm-up lasts. */
export interface LocalPort {
  readonly port: number
  [Symbol.asyncDispose](): Promise<void>
}

/** Listens on 127.0.0.1. */
export async function serveOnLoopback(handle: RequestListener): Promise<LocalPort> {
  const server = createServer(handle)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => {
      const closed = new Promise<void>((done) => server.close(() => done()))
      server.closeAllConnections()
      return closed
    },
  }
}

/** An MCP server of 2026-07-28 with one tool that does nothing. */
export const nullServer: RequestListener = (request, response) => {
  collect(request, (body) => {
    const { id, method } = JSON.parse(body.toString())
    const result = RESULTS.get(method)
    const answer = result ? { result } : { error: { code: -32_601, message: 'Method not found' } }
    const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
    response.writeHead(200, ['content-type', JSON_TYPE, 'content-length', bytes.length])
    response.end(bytes)
  })
}

function collect(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => done(Buffer.concat(chunks)))
}
