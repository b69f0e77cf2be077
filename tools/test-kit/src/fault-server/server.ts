import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Stoppable, stoppable } from '../lifecycle.js'
import { seededRandom } from '../seeded-random.js'
import {
  type Answer,
  legacyOutcome,
  type Methods,
  modernEnvelopeError,
  modernOutcome,
  type Repertoire,
  rpcError,
  rpcText,
} from './answer.js'
import { deliver, sseEvent, sseHead } from './deliver.js'
import { type Fault, faultExecutes } from './faults.js'
import { type ConnectionMode, Listener } from './listener.js'
import { parseMessage, type RpcMessage, VERSION_KEY } from './message.js'
import { ExecutionCount, type SeenRequest } from './request-log.js'
import { LegacySessions } from './sessions.js'
import { defaultTools, type FaultTool, type JsonObject, type ToolContext } from './tools.js'

/**
 * Which fault each request meets. A list is used up by the requests that it applies to (`tools/call` only), then all is well;
 * a function sees every POST; one fault applies to every `tools/call`.
 */
export type FaultScript = Fault | readonly Fault[] | ((request: SeenRequest) => Fault | undefined)

/** Options of {@link startFaultServer}. */
export interface FaultServerOptions {
  /** Which era it speaks. @default 'both' */
  readonly era?: 'legacy' | 'modern' | 'both' | undefined
  /** @default {@link defaultTools} */
  readonly tools?: readonly FaultTool[] | undefined
  /** Methods beyond tools: `resources/list`, vendor methods, … Their outcomes go out as they are. */
  readonly methods?: Methods | undefined
  /** @default `{ tools: { listChanged: true } }` */
  readonly capabilities?: JsonObject | undefined
  /** How proper answers go out. @default 'json' */
  readonly answers?: 'json' | 'sse' | undefined
  /** Legacy era: whether `initialize` opens a session that later requests must name. @default true */
  readonly sessions?: boolean | undefined
  /** Status for an unknown session: 404 by the specification, 400 as SDK 1.x servers answer. @default 404 */
  readonly lostSessionStatus?: 404 | 400 | undefined
  /** Of the `sometimes-500` fault. @default 1 */
  readonly seed?: number | undefined
  /** @default a free one */
  readonly port?: number | undefined
}

/** An HTTP MCP server that fails on demand and remembers everything. */
export interface FaultServer extends Stoppable {
  /** Its endpoint, `http://127.0.0.1:<port>/mcp`. */
  readonly url: string
  readonly port: number
  /** Every request so far, in order of arrival. */
  readonly requests: readonly SeenRequest[]
  /** Requests with this JSON-RPC method. */
  requestsFor(rpcMethod: string): readonly SeenRequest[]
  /** How often a tool ran for this canary (`arguments.canary`, else the tool's name). */
  executions(key: string): number
  /** All counts by canary. */
  allExecutions(): ReadonlyMap<string, number>
  readonly totalExecutions: number
  /** Connections accepted so far, and open now. */
  readonly connections: { readonly accepted: number; readonly open: number }
  /** Legacy sessions that live. */
  readonly sessionCount: number
  /** Replaces the script; undefined: all is well. */
  setScript(script: FaultScript | undefined): void
  /** What new connections meet from now on. */
  setConnections(mode: ConnectionMode): Promise<void>
  /** Resets all open connections. */
  cut(): void
  /** Forgets all legacy sessions, as a restart would. */
  loseSessions(): void
  /** Replaces the tools; tells nobody. */
  setTools(tools: readonly FaultTool[]): void
  /** Sends a notification on every open GET stream of the legacy era. */
  notify(method: string, params?: JsonObject): void
}

/** Starts a {@link FaultServer} on 127.0.0.1. */
export async function startFaultServer(script?: FaultScript, options: FaultServerOptions = {}): Promise<FaultServer> {
  const server = new Faulty(script, options)
  await server.listener.listen(options.port ?? 0)
  return {
    url: `http://127.0.0.1:${server.listener.port}/mcp`,
    port: server.listener.port,
    requests: server.requests,
    requestsFor: (rpcMethod) => server.requests.filter((request) => request.rpcMethod === rpcMethod),
    executions: (key) => server.executed.of(key),
    allExecutions: () => server.executed.all(),
    get totalExecutions() {
      return server.executed.total
    },
    get connections() {
      return { accepted: server.listener.accepted, open: server.listener.open }
    },
    get sessionCount() {
      return server.sessions.size
    },
    setScript: (next) => server.setScript(next),
    setConnections: (mode) => server.listener.setMode(mode),
    cut: () => server.listener.cut(),
    loseSessions: () => server.sessions.forget(),
    setTools: (tools) => server.setTools(tools),
    notify: (method, params = {}) => server.sessions.notify(method, params),
    ...stoppable(() => server.stop()),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly message: RpcMessage
}

class Faulty {
  readonly requests: SeenRequest[] = []
  readonly executed = new ExecutionCount()
  readonly sessions: LegacySessions
  readonly listener: Listener
  readonly #options: FaultServerOptions
  readonly #random: () => number
  #repertoire: Repertoire
  #next: (request: SeenRequest) => Fault | undefined

  constructor(script: FaultScript | undefined, options: FaultServerOptions) {
    this.#options = options
    this.sessions = new LegacySessions(options)
    this.#random = seededRandom(options.seed ?? 1)
    this.#next = chooser(script)
    this.#repertoire = {
      tools: options.tools ?? defaultTools,
      methods: options.methods ?? {},
      capabilities: options.capabilities ?? { tools: { listChanged: true } },
    }
    this.listener = new Listener(createServer((request, response) => void this.#serve(request, response)))
  }

  setScript(script: FaultScript | undefined): void {
    this.#next = chooser(script)
  }

  setTools(tools: readonly FaultTool[]): void {
    this.#repertoire = { ...this.#repertoire, tools }
  }

  async stop(): Promise<void> {
    await this.listener.setMode('refuse')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy())
    const body = await readBody(request)
    if (body === undefined) return
    const message = parseMessage(body)
    const seen = this.#log(request, body, message)
    if (request.method !== 'POST') {
      this.sessions.serve(request, response)
      return
    }
    if (message === undefined) return send(response, rpcError(null, 400, { code: -32700, message: 'Parse error' }))
    const fault = this.#roll(this.#next(seen) ?? { kind: 'none' })
    if (!faultExecutes(fault)) return deliver(this.#delivery({ request, response, message }, EMPTY), fault)
    const exchange = { request, response, message }
    return deliver(this.#delivery(exchange, await this.#answer(exchange)), fault)
  }

  #log(request: IncomingMessage, body: string, message: RpcMessage | undefined): SeenRequest {
    const target = message?.params['name'] ?? message?.params['uri']
    const seen: SeenRequest = {
      index: this.requests.length,
      httpMethod: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
      rpcMethod: message?.method,
      rpcId: message?.id,
      target: typeof target === 'string' ? target : undefined,
    }
    this.requests.push(seen)
    return seen
  }

  #roll(fault: Fault): Fault {
    if (fault.kind !== 'sometimes-500') return fault
    return this.#random() < fault.ratio ? { kind: 'status', status: 500, executes: fault.executes } : { kind: 'none' }
  }

  #delivery({ response, message }: Exchange, answer: Answer): Parameters<typeof deliver>[0] {
    return { response, answer, requestId: message.id ?? null, sse: this.#options.answers === 'sse' }
  }

  async #answer(exchange: Exchange): Promise<Answer> {
    const modern = exchange.message.meta[VERSION_KEY] !== undefined
    const { era = 'both' } = this.#options
    if (modern && era !== 'legacy') return this.#answerModern(exchange)
    if (era === 'modern') {
      return rpcError(exchange.message.id, 400, { code: -32602, message: 'Invalid _meta: protocolVersion is missing' })
    }
    return this.#answerLegacy(exchange)
  }

  async #answerModern(exchange: Exchange): Promise<Answer> {
    const { message, request } = exchange
    if (message.id === undefined) return ACCEPTED
    const fault = modernEnvelopeError(message, request.headers)
    if (fault !== undefined) return fault
    this.#count(message)
    const outcome = await modernOutcome(message, this.#repertoire, contextOf(exchange))
    const unknownMethod = 'error' in outcome && outcome.error.code === -32601
    return { status: unknownMethod ? 404 : 200, headers: {}, body: rpcText(message.id, outcome) }
  }

  async #answerLegacy(exchange: Exchange): Promise<Answer> {
    const { message, request } = exchange
    const opening = message.method === 'initialize'
    const lost = opening ? undefined : this.sessions.fault(request, message)
    if (lost !== undefined) return lost
    if (message.id === undefined || message.method === undefined) return ACCEPTED
    this.#count(message)
    const outcome = await legacyOutcome(message, this.#repertoire, contextOf(exchange))
    const headers = opening ? this.sessions.open() : {}
    return { status: 200, headers, body: rpcText(message.id, outcome) }
  }

  #count(message: RpcMessage): void {
    if (message.method !== 'tools/call') return
    if (!this.#repertoire.tools.some(({ definition }) => definition.name === message.params['name'])) return
    const args = message.params['arguments']
    const canary = typeof args === 'object' && args !== null && 'canary' in args ? args.canary : message.params['name']
    this.executed.add(String(canary))
  }
}

const ACCEPTED: Answer = { status: 202, headers: {}, body: '' }
const EMPTY: Answer = { status: 200, headers: {}, body: '' }

function chooser(script: FaultScript | undefined): (request: SeenRequest) => Fault | undefined {
  if (script === undefined) return () => undefined
  if (typeof script === 'function') return script
  const forCalls = Array.isArray(script) ? listed([...script]) : () => script as Fault
  return (request) => (request.rpcMethod === 'tools/call' ? forCalls() : undefined)
}

function listed(rest: Fault[]): () => Fault | undefined {
  return () => rest.shift()
}

function contextOf({ response, message }: Exchange): ToolContext {
  const abort = new AbortController()
  response.once('close', () => abort.abort())
  return {
    meta: message.meta,
    signal: abort.signal,
    notify: (method, params) => {
      sseHead(response)
      response.write(sseEvent(JSON.stringify({ jsonrpc: '2.0', method, params })))
    },
  }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
}

/** Undefined if the caller went away in the middle. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk)
  } catch {
    return undefined // The caller hung up; there is nobody to answer.
  }
  return Buffer.concat(chunks).toString('utf8')
}
