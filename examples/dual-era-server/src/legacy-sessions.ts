import { randomUUID } from 'node:crypto'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { EventLog } from './event-log.js'
import { createDualEraServer, type Shared } from './server.js'

/** Sessions kept at once; the one unused for longest is closed when another opens. */
const MAX_SESSIONS = 1_000
/** What a client waits before it resumes a stream that was closed early. */
const RETRY_MS = 100

/** The legacy era over HTTP: a session and a server instance per client, resumable streams. */
export class LegacySessions {
  readonly #shared: Shared
  /** In the order of last use. */
  readonly #byId = new Map<string, WebStandardStreamableHTTPServerTransport>()

  constructor(shared: Shared) {
    this.#shared = shared
  }

  /** Answers one HTTP request of the legacy era. */
  async fetch(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    if (id === null) return (await this.#open()).handleRequest(request)
    const transport = this.#byId.get(id)
    if (transport === undefined) return notFound()
    this.#byId.delete(id)
    this.#byId.set(id, transport)
    return transport.handleRequest(request)
  }

  async close(): Promise<void> {
    const all = [...this.#byId.values()]
    this.#byId.clear()
    await Promise.all(all.map((transport) => transport.close()))
  }

  /** The transport itself refuses whatever is not an `initialize`; it becomes a session only by that. */
  async #open(): Promise<WebStandardStreamableHTTPServerTransport> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new EventLog(),
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => this.#keep(id, transport),
      onsessionclosed: (id) => void this.#byId.delete(id),
    })
    await createDualEraServer(this.#shared, 'legacy').connect(transport)
    return transport
  }

  async #keep(id: string, transport: WebStandardStreamableHTTPServerTransport): Promise<void> {
    this.#byId.set(id, transport)
    const [oldest] = this.#byId
    if (this.#byId.size <= MAX_SESSIONS || oldest === undefined) return
    this.#byId.delete(oldest[0])
    await oldest[1].close()
  }
}

function notFound(): Response {
  const error = { code: -32_001, message: 'Session not found' }
  return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 404 })
}
