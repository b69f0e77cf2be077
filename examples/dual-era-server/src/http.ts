import { createServer, type Server } from 'node:http'
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, isLegacyRequest, type McpHttpHandler } from '@modelcontextprotocol/server'
import { type Change, Changes } from './changes.js'
import { LegacySessions } from './legacy-sessions.js'
import { serverFactory, stateCodec } from './server.js'

/** Which era a server speaks. */
export type Era = 'both' | 'legacy' | 'modern'

/** Options of {@link serveHttp}. */
export interface HttpOptions {
  /** 0: a free one. */
  readonly port: number
  readonly era: Era
  /** For `requestState`; the same for all instances of a group. @default a random one */
  readonly stateKey?: string | undefined
  /** Sees refused requests and failures. @default nobody does */
  readonly onError?: ((error: Error) => void) | undefined
}

/** The server while it listens. */
export interface HttpServing {
  readonly url: string
  /** Ends all sessions, streams and connections. */
  close(): Promise<void>
}

/** Serves Streamable HTTP at `/mcp` of 127.0.0.1 in the eras asked for. */
export async function serveHttp({ port, era, stateKey, onError = ignore }: HttpOptions): Promise<HttpServing> {
  const shared = { changes: new Changes(), codec: stateCodec(stateKey) }
  const modern = createMcpHandler(serverFactory(shared), { legacy: 'reject', onerror: onError })
  shared.changes.subscribe((change) => publish(modern, change))
  const legacy = new LegacySessions(shared)
  const server = listener(router(era, modern, legacy), onError)
  await listen(server, port)
  const address = server.address()
  const actual = address !== null && typeof address === 'object' ? address.port : port
  return { url: `http://127.0.0.1:${actual}/mcp`, close: () => close(server, modern, legacy) }
}

type Fetch = (request: Request) => Promise<Response>

function router(era: Era, modern: McpHttpHandler, legacy: LegacySessions): Fetch {
  if (era === 'modern') return (request) => modern.fetch(request)
  if (era === 'legacy') return (request) => legacy.fetch(request)
  return async (request) => ((await isLegacyRequest(request)) ? legacy.fetch(request) : modern.fetch(request))
}

function listener(fetch: Fetch, onError: (error: Error) => void): Server {
  const handle = toNodeHandler({ fetch }, { onerror: onError })
  // A page in a browser could reach a server on loopback by DNS rebinding: only local names may ask.
  const isLocalHost = localhostHostValidation()
  const isLocalOrigin = localhostOriginValidation()
  return createServer((request, response) => {
    if (!isLocalHost(request, response) || !isLocalOrigin(request, response)) return
    if (request.url === undefined || request.url.split('?')[0] !== '/mcp') {
      response.writeHead(404).end()
      return
    }
    // The adapter's types do not know that Node declares both as possibly absent on its client side.
    const complete = Object.assign(request, { method: request.method ?? '', url: request.url })
    handle(complete, response).catch(onError)
  })
}

function publish({ notify }: McpHttpHandler, change: Change): void {
  if (change.kind === 'tools') notify.toolsChanged()
  if (change.kind === 'prompts') notify.promptsChanged()
  if (change.kind === 'resources') notify.resourcesChanged()
  if (change.kind === 'resource') notify.resourceUpdated(change.uri)
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

async function close(server: Server, modern: McpHttpHandler, legacy: LegacySessions): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  await Promise.all([modern.close(), legacy.close()])
  server.closeAllConnections()
  await closed
}

/** The peer has its answer already; whoever wants to know passes `onError`. */
function ignore(): void {}
