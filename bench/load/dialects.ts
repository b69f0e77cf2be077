/** How the load generator speaks to a target. */
export type Dialect =
  /** 2026-07-28: stateless, headers and `_meta`. */
  | 'modern'
  /** 2025-11-25: one session per connection. */
  | 'legacy'
  /** The gateway's REST form of `tools/call`. */
  | 'rest'
  /** The REST form of `tools/call` that the npm package mcp-hub has; its server must be called `bench`. */
  | 'mcp-hub'
  /** Legacy messages on the standard streams of a child. */
  | 'stdio'

/** Which tool is called, and what must come back. */
export type Tool = 'ping' | 'word_count'

/** What a request is made of. */
export interface RequestShape {
  readonly dialect: Dialect
  readonly tool: Tool
  /** What the target calls the tool, if it puts something before its name. @default the tool's own name */
  readonly toolName?: string | undefined
  readonly url: URL
  /** Legacy: the session of this connection. */
  readonly session?: string | undefined
  /** Makes the ids differ from those of others that share a pipe; below 800. @default 0 */
  readonly lane?: number | undefined
}

/** Digits of the number that makes each request its own. Fixed, so that it is overwritten in place. */
const DIGITS = 9
const FIRST = 10 ** (DIGITS - 1)
/** Requests that one lane may send before it comes to the ids of the next. */
const LANE_STRIDE = 1_000_000
const PLACEHOLDER = '#'.repeat(DIGITS)

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
}

/**
 * Builds the requests of one connection: the bytes are made once, and only the number in them is changed per request.
 * The number is the JSON-RPC id and, for `ping`, the argument that the answer must repeat.
 */
export class RequestMaker {
  readonly #bytes: Buffer
  readonly #places: readonly number[]
  readonly #shape: RequestShape
  #number: number

  constructor(shape: RequestShape) {
    this.#shape = shape
    this.#number = FIRST + (shape.lane ?? 0) * LANE_STRIDE
    this.#bytes = Buffer.from(requestText(shape))
    this.#places = placesOf(this.#bytes)
  }

  /** The next request. The buffer is used again: write it out before asking for another. */
  next(): Buffer {
    this.#number += 1
    const digits = String(this.#number)
    for (const place of this.#places) this.#bytes.write(digits, place, 'latin1')
    return this.#bytes
  }

  /** What is wrong with the answer to the last request; undefined if nothing is. */
  fault(status: number, body: Buffer): string | undefined {
    const wanted = expectations(this.#shape, String(this.#number))
    const missing = wanted.find((part) => !body.includes(part))
    if (status === 200 && missing === undefined) return undefined
    return `HTTP ${status}, expected ${missing ?? '200'} in: ${body.toString('utf8').slice(0, 300)}`
  }
}

function expectations({ dialect, tool }: RequestShape, digits: string): readonly string[] {
  const result = tool === 'ping' ? `pong ${digits}` : '"words":2'
  return isRest(dialect) ? [result] : [result, `"id":${digits}`]
}

function isRest(dialect: Dialect): boolean {
  return dialect === 'rest' || dialect === 'mcp-hub'
}

function placesOf(bytes: Buffer): readonly number[] {
  const places: number[] = []
  for (let at = bytes.indexOf(PLACEHOLDER); at >= 0; at = bytes.indexOf(PLACEHOLDER, at + 1)) places.push(at)
  return places
}

function requestText(shape: RequestShape): string {
  const call = { name: shape.toolName ?? shape.tool, arguments: argumentsOf(shape.tool) }
  const body = bodyText(shape, call)
  return shape.dialect === 'stdio' ? `${body}\n` : postText(shape.url, body, headersOf(shape))
}

function bodyText(shape: RequestShape, call: { name: string; arguments: object }): string {
  if (shape.dialect === 'rest') return JSON.stringify(call)
  if (shape.dialect === 'mcp-hub')
    return JSON.stringify({ server_name: 'bench', tool: call.name, arguments: call.arguments })
  return rpcText('tools/call', paramsOf(shape, call))
}

function argumentsOf(tool: Tool): Record<string, string> {
  return tool === 'ping' ? { n: PLACEHOLDER } : { text: 'hello world' }
}

function paramsOf({ dialect }: RequestShape, call: object): object {
  return dialect === 'modern' ? { ...call, _meta: META } : call
}

function rpcText(method: string, params: object): string {
  return `{"jsonrpc":"2.0","id":${PLACEHOLDER},"method":"${method}","params":${JSON.stringify(params)}}`
}

function headersOf({ dialect, tool, toolName = tool, session }: RequestShape): Record<string, string> {
  if (isRest(dialect)) return { accept: 'application/json' }
  const accept = 'application/json, text/event-stream'
  if (dialect === 'legacy') {
    return {
      accept,
      'mcp-protocol-version': '2025-11-25',
      ...(session === undefined ? {} : { 'mcp-session-id': session }),
    }
  }
  return { accept, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': toolName }
}

/** A whole POST as text. */
export function postText(url: URL, body: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const fixed = `host: ${url.host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
  return `POST ${url.pathname} HTTP/1.1\r\n${fixed}${lines.join('')}\r\n${body}`
}

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'
const ACCEPT = 'application/json, text/event-stream'

/** The two messages that open a legacy session. */
export function handshakeTexts(url: URL, session?: string): string {
  if (session !== undefined) return postText(url, INITIALIZED, sessionHeaders(session))
  return postText(url, initializeText(), { accept: ACCEPT })
}

/** The request that ends a legacy session. */
export function farewellText(url: URL, session: string): string {
  const lines = Object.entries(sessionHeaders(session)).map(([name, value]) => `${name}: ${value}\r\n`)
  return `DELETE ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}\r\n`
}

/** The two messages that open a child, each a line: a request with id 0, and a notification. */
export const CHILD_HANDSHAKE: readonly [string, string] = [`${initializeText()}\n`, `${INITIALIZED}\n`]

function sessionHeaders(session: string): Record<string, string> {
  return { accept: ACCEPT, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
}

function initializeText(): string {
  const clientInfo = { name: 'bench', version: '1.0.0' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  return JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
}
