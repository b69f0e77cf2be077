import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** An answer of the native endpoint; of a stream the last message. */
export interface McpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of any shape
  readonly json: any
}

const BOTH = 'application/json, text/event-stream'

/** Opens an exchange over a connection of its own; resolves with the head of the answer. */
export function open(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const agent = new Agent({ keepAlive: false })
  const outgoing = request(url, { method, agent, headers: { accept: BOTH, ...headers } }, resolve)
  outgoing.on('error', reject)
  outgoing.end(body)
  return promise
}

/** Reads an answer whole. */
export async function read(response: IncomingMessage): Promise<McpAnswer> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  const data = [...text.matchAll(/^data: (\{.*)$/gm)].at(-1)?.[1]
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(data ?? text) }
}

/** Sends one message of a session, or the one that opens it. */
export async function post(
  url: string,
  message: object,
  session?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<McpAnswer> {
  const named: Record<string, string> = session === undefined ? {} : { 'mcp-session-id': session }
  const all = { 'content-type': 'application/json', ...named, ...headers }
  return read(await open('POST', url, all, JSON.stringify(message)))
}

/** Opens a session of a 2025 client. */
export async function initialize(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  capabilities: object = {},
): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'test', version: '1' } }
  const answer = await post(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, undefined, headers)
  const session = answer.headers['mcp-session-id']
  if (typeof session !== 'string') throw new Error(`no session: ${answer.status} ${answer.text}`)
  await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, session, headers)
  return session
}

export const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** A call of a tool in a session. */
export function toolCall(name: string, args: object = {}, id: number = 7): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }
}

/** A client of the SDK 1.x. */
export async function sdkClient(url: string, capabilities: object = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    // A connection for each request, so that a balancer spreads them.
    fetch: (input, init) => fetch(input, { ...init, headers: withClose(init?.headers) }),
  })
  // exactOptionalPropertyTypes and the SDK's own types disagree about sessionId.
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}

function withClose(headers: RequestInit['headers']): Headers {
  const all = new Headers(headers)
  all.set('connection', 'close')
  return all
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Streams without a message and empty answers are no JSON.
    return undefined
  }
}
