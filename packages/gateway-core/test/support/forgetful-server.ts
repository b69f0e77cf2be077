import { randomUUID } from 'node:crypto'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  isInitializeRequest,
  ListRootsResultSchema,
  ListToolsRequestSchema,
  type ServerCapabilities,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'

/** One session as the server knows it. */
export interface SeenSession {
  /** What its client said in `initialize`. */
  readonly client: unknown
  level: string | undefined
  readonly subscriptions: Set<string>
  /** Says that a resource changed, on the session's own stream. */
  update(uri: string): Promise<void>
  /** Says that the tools changed, there. */
  changeTools(): Promise<void>
}

/** A server on SDK 1.x that keeps its sessions in memory only. */
export interface ForgetfulServer {
  readonly url: string
  /** Every session there ever was, in order. */
  readonly sessions: readonly SeenSession[]
  /** The argument `id` of each call of the tool `run` that was executed. */
  readonly executed: readonly unknown[]
  /** What it says of itself from now on. */
  capabilities: ServerCapabilities
  /** How it answers messages of sessions that it does not know. */
  refusal: 'not-found' | 'bad-request'
  /** What it answers everything with, knowing its sessions as before. */
  failsWith: number | undefined
  /** Streams that it refused to open for that reason. */
  readonly refusedStreams: number
  /** Whether it can be subscribed to. */
  refusesSubscriptions: boolean
  /** Knows none of its sessions any more, and closes their streams unless they are to be left open. */
  forget(streams?: 'closed' | 'open'): Promise<void>
  /** Breaks every connection. */
  cut(): void
  /** Ends; nothing answers on its port. */
  stop(): Promise<void>
  /** Begins again on the same port. */
  start(): Promise<void>
  /** Ends, and begins again on the same port. */
  restart(): Promise<void>
  close(): Promise<void>
}

const REFUSALS = {
  'not-found': [404, { code: -32001, message: 'Session not found' }],
  // As server-everything does, against the specification.
  'bad-request': [400, { code: -32000, message: 'Bad Request: No valid session ID provided' }],
} as const

const CAPABILITIES: ServerCapabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true },
  logging: {},
  tasks: { requests: { tools: { call: {} } } },
}

/** Starts it on a free port. Its tool `ask` asks for roots and waits for the answer. */
export async function serveForgetful(): Promise<ForgetfulServer> {
  const transports = new Map<string, StreamableHTTPServerTransport>()
  const forgotten = new Set<StreamableHTTPServerTransport>()
  const sessions: SeenSession[] = []
  const executed: unknown[] = []
  let refusedStreams = 0
  const made = {
    capabilities: CAPABILITIES,
    refusal: 'not-found' as const,
    refusesSubscriptions: false,
    failsWith: undefined,
  }

  const open = async (client: unknown): Promise<StreamableHTTPServerTransport> => {
    const server = new Server({ name: 'forgetful', version: '1' }, { capabilities: forgetful.capabilities })
    const seen: SeenSession = {
      client,
      level: undefined,
      subscriptions: new Set(),
      update: (uri) => server.sendResourceUpdated({ uri }),
      changeTools: () => server.sendToolListChanged(),
    }
    sessions.push(seen)
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [{ name: 'run', inputSchema: { type: 'object' } }],
    }))
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, { sendRequest }) => {
      if (params.name === 'ask') await sendRequest({ method: 'roots/list' }, ListRootsResultSchema)
      if (params.task) return { task: newTask() }
      executed.push(params.arguments?.['id'])
      return { content: [{ type: 'text', text: `ran ${String(params.arguments?.['id'])}` }] }
    })
    if (forgetful.capabilities.logging)
      server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
        seen.level = params.level
        return {}
      })
    if (forgetful.capabilities.resources?.subscribe === true) {
      server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
        if (forgetful.refusesSubscriptions) throw new Error('no such resource')
        seen.subscriptions.add(params.uri)
        return {}
      })
      server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
        seen.subscriptions.delete(params.uri)
        return {}
      })
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void transports.set(id, transport),
    })
    await server.connect(transport)
    return transport
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (forgetful.failsWith !== undefined) {
      if (request.method === 'GET') refusedStreams++
      response.writeHead(forgetful.failsWith).end()
      return
    }
    let text = ''
    for await (const chunk of request) text += chunk
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const id = String(request.headers['mcp-session-id'])
    const transport = isInitializeRequest(body) ? await open(body.params) : transports.get(id)
    if (transport) return transport.handleRequest(request, response, body)
    const [status, error] = REFUSALS[forgetful.refusal]
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
  }

  const forget = async (streams = 'closed'): Promise<void> => {
    for (const transport of transports.values()) forgotten.add(transport)
    transports.clear()
    if (streams === 'open') return
    await Promise.all([...forgotten].map((transport) => transport.close()))
    forgotten.clear()
  }

  let http = await listen(0, handle)
  const { port } = http.address() as AddressInfo
  const stop = async (): Promise<void> => {
    await forget()
    http.closeAllConnections()
    if (http.listening) await new Promise((resolve) => http.close(resolve))
  }
  const start = async (): Promise<void> => {
    http = await listen(port, handle)
  }
  const forgetful: ForgetfulServer = {
    url: `http://127.0.0.1:${port}/mcp`,
    sessions,
    executed,
    ...made,
    get refusedStreams() {
      return refusedStreams
    },
    cut: () => http.closeAllConnections(),
    forget,
    stop,
    start,
    async restart() {
      await stop()
      await start()
    },
    close: stop,
  }
  return forgetful
}

function newTask(): Record<string, unknown> {
  const now = new Date().toISOString()
  return { taskId: randomUUID(), status: 'working', ttl: 60_000, createdAt: now, lastUpdatedAt: now }
}

async function listen(
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<HttpServer> {
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}
