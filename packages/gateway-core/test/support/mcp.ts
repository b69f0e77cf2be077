import { EventReader } from './event-reader.js'

/** One answer to a POST of a message, its events taken apart. */
export interface McpAnswer {
  readonly status: number
  readonly headers: Headers
  /** Every JSON-RPC message of the answer; the response is the last one. */
  readonly messages: readonly Record<string, unknown>[]
  readonly response: Record<string, unknown> | undefined
  /** The body as it came. */
  readonly text: string
}

export interface ModernRequest {
  readonly id?: number | string
  readonly capabilities?: Record<string, unknown>
  readonly meta?: Record<string, unknown>
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const ENVELOPE = 'io.modelcontextprotocol'

/** Sends one request as a 2026-07-28 client does, without any SDK in between. */
export async function modern(
  url: string,
  method: string,
  params: Record<string, unknown> = {},
  request: ModernRequest = {},
): Promise<McpAnswer> {
  const { id = 1, capabilities = {}, meta = {}, headers = {}, signal } = request
  const _meta = {
    [`${ENVELOPE}/protocolVersion`]: '2026-07-28',
    [`${ENVELOPE}/clientCapabilities`]: capabilities,
    [`${ENVELOPE}/clientInfo`]: { name: 'raw', version: '1' },
    ...meta,
  }
  const name = params['name'] ?? params['uri']
  return post(url, { jsonrpc: '2.0', id, method, params: { ...params, _meta } }, signal, {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    ...headers,
  })
}

/** A session of a 2025 client, without any SDK in between. */
export class LegacySession {
  readonly id: string
  readonly #url: string
  readonly #headers: Record<string, string>

  static async open(
    url: string,
    options: { version?: string; capabilities?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ): Promise<LegacySession> {
    const { version = '2025-11-25', capabilities = {}, headers = {} } = options
    const params = { protocolVersion: version, capabilities, clientInfo: { name: 'raw', version: '1' } }
    const answer = await post(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, undefined, headers)
    const id = answer.headers.get('mcp-session-id')
    if (id === null) throw new Error(`initialize was answered ${answer.status} ${JSON.stringify(answer.response)}`)
    const session = new LegacySession(url, id, { ...headers, 'mcp-protocol-version': version })
    await session.post({ jsonrpc: '2.0', method: 'notifications/initialized' })
    return session
  }

  constructor(url: string, id: string, headers: Record<string, string>) {
    this.#url = url
    this.id = id
    this.#headers = headers
  }

  call(method: string, params: Record<string, unknown> = {}, id: number | string = 1): Promise<McpAnswer> {
    return this.post({ jsonrpc: '2.0', id, method, params })
  }

  post(message: unknown, headers: Record<string, string> = {}): Promise<McpAnswer> {
    return post(this.#url, message, undefined, { ...this.#headers, 'mcp-session-id': this.id, ...headers })
  }

  /** The same as {@link call}, with what comes as it comes. */
  async open(method: string, params: Record<string, unknown> = {}, id: number | string = 1): Promise<EventReader> {
    const headers = { ...HEADERS, ...this.#headers, 'mcp-session-id': this.id }
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    return new EventReader(await fetch(this.#url, { method: 'POST', headers, body }))
  }

  async end(): Promise<number> {
    const headers = { ...this.#headers, 'mcp-session-id': this.id }
    return (await fetch(this.#url, { method: 'DELETE', headers })).status
  }
}

async function post(
  url: string,
  message: unknown,
  signal: AbortSignal | undefined,
  headers: Record<string, string>,
): Promise<McpAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: JSON.stringify(message),
    ...(signal ? { signal } : {}),
  })
  const text = await response.text()
  const messages = messagesOf(text)
  return { status: response.status, headers: response.headers, messages, response: messages.at(-1), text }
}

function messagesOf(text: string): Record<string, unknown>[] {
  if (text.startsWith('{')) return [JSON.parse(text)]
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice('data: '.length))] : []))
}
