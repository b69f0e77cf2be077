import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Record<string, unknown>

/** What a {@link serveNaive} server was told after it asked. */
export interface NaiveServer {
  readonly url: string
  /** Calls of tools that have reached it. */
  readonly calls: readonly Json[]
  /** Answers to its questions, in the order in which they came. */
  readonly answers: readonly Json[]
  /** Params of each `notifications/cancelled`. */
  readonly cancelled: readonly Json[]
  close(): Promise<void>
}

/**
 * A legacy server that asks its client for a sample in every call of a tool, without looking at what the client declared,
 * and logs a line before. The tool `hang` never answers.
 */
export async function serveNaive(): Promise<NaiveServer> {
  const calls: Json[] = []
  const answers: Json[] = []
  const cancelled: Json[] = []
  let waiting: { response: ServerResponse; id: unknown } | undefined
  const handle = (message: Json, response: ServerResponse): void => {
    const { id, method, params, result, error } = message
    if (method === 'notifications/cancelled') cancelled.push(Object(params))
    if (result !== undefined || error !== undefined) {
      answers.push(message)
      if (waiting)
        event(waiting.response, {
          jsonrpc: '2.0',
          id: waiting.id,
          result: { content: [{ type: 'text', text: 'went on' }] },
        }).end()
      waiting = undefined
    }
    if (id === undefined || method === undefined) return void response.writeHead(202).end()
    if (method !== 'tools/call') return void reply(response, { jsonrpc: '2.0', id, ...outcome(method) })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    event(response, {
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data: 'about to ask' },
    })
    calls.push(Object(params))
    if (Object(params).name === 'hang') return
    waiting = { response, id }
    event(response, {
      jsonrpc: '2.0',
      id: 'ask',
      method: 'sampling/createMessage',
      params: { messages: [], maxTokens: 1 },
    })
  }
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    let text = ''
    for await (const chunk of request) text += chunk
    handle(Object(JSON.parse(text)), response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    calls,
    answers,
    cancelled,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function outcome(method: unknown): Json {
  const serverInfo = { name: 'naive', version: '1' }
  const capabilities = { tools: {}, logging: {} }
  if (method === 'initialize') return { result: { protocolVersion: '2025-11-25', serverInfo, capabilities } }
  if (method === 'tools/list') return { result: { tools: [{ name: 'ask', inputSchema: { type: 'object' } }] } }
  if (method === 'ping' || method === 'logging/setLevel') return { result: {} }
  return { error: { code: -32601, message: 'Method not found' } }
}

function reply(response: ServerResponse, message: Json): void {
  const status = 'error' in message ? 400 : 200
  response
    .writeHead(status, { 'content-type': 'application/json', 'mcp-session-id': 'naive' })
    .end(JSON.stringify(message))
}

function event(response: ServerResponse, message: Json): ServerResponse {
  response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  return response
}
