import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, rpcError } from './answer.js'
import { sseEvent, sseHead } from './deliver.js'
import type { RpcMessage } from './message.js'
import type { JsonObject } from './tools.js'

/** Options of {@link LegacySessions}; the server's own, narrowed. */
export interface SessionOptions {
  readonly era?: 'legacy' | 'modern' | 'both' | undefined
  readonly sessions?: boolean | undefined
  readonly lostSessionStatus?: 404 | 400 | undefined
}

/** The sessions of the legacy era and their GET streams. */
export class LegacySessions {
  readonly #options: SessionOptions
  readonly #ids = new Set<string>()
  readonly #streams = new Set<ServerResponse>()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Sessions that live. */
  get size(): number {
    return this.#ids.size
  }

  /** Opens a session and returns the headers that name it. */
  open(): Readonly<Record<string, string>> {
    if (this.#options.sessions === false) return {}
    const id = randomUUID()
    this.#ids.add(id)
    return { 'mcp-session-id': id }
  }

  /** Drops all sessions, as a restart would. */
  forget(): void {
    this.#ids.clear()
  }

  /** The refusal of a request that names no living session; undefined if all is well. */
  fault(request: IncomingMessage, message?: RpcMessage): Answer | undefined {
    if (this.#options.sessions === false) return undefined
    const id = request.headers['mcp-session-id']
    if (typeof id === 'string' && this.#ids.has(id)) return undefined
    const status = id === undefined ? 400 : (this.#options.lostSessionStatus ?? 404)
    const error =
      status === 404
        ? { code: -32001, message: 'Session not found' }
        : { code: -32000, message: 'Bad Request: No valid session ID provided' }
    return rpcError(message?.id, status, error)
  }

  /** GET opens a stream, DELETE ends the session; a modern-only server knows neither. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    if (this.#options.era === 'modern' || !['GET', 'DELETE'].includes(request.method ?? '')) {
      response.writeHead(405, { allow: 'POST' }).end()
      return
    }
    const fault = this.fault(request)
    if (fault !== undefined) {
      response.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body)
      return
    }
    if (request.method === 'GET') {
      this.#openStream(response)
      return
    }
    this.#ids.delete(String(request.headers['mcp-session-id']))
    response.writeHead(200).end()
  }

  /** Sends a notification on every open stream. */
  notify(method: string, params: JsonObject): void {
    const event = sseEvent(JSON.stringify({ jsonrpc: '2.0', method, params }))
    for (const stream of this.#streams) stream.write(event)
  }

  #openStream(response: ServerResponse): void {
    sseHead(response)
    response.write(': open\n\n')
    this.#streams.add(response)
    response.once('close', () => this.#streams.delete(response))
  }
}
