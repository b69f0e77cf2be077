import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Readonly<Record<string, unknown>>

/** A legacy server over HTTP whose tools a test may exchange while it runs, as a deploy does. */
export interface ToolsServer {
  readonly url: string
  /** Names of the tools that were called, in order. */
  readonly called: readonly string[]
  /** Times that its tools were listed. */
  readonly listed: number
  setTools(tools: readonly Json[]): void
  /** From now on it drops the connection of each call that has reached it. */
  failCalls(): void
  close(): Promise<void>
}

/** Starts one on 127.0.0.1, without sessions. */
export async function serveTools(first: readonly Json[]): Promise<ToolsServer> {
  const called: string[] = []
  let tools = first
  let listed = 0
  let fails = false
  const outcome = (method: unknown, params: Json): Json => {
    if (method === 'initialize') {
      const serverInfo = { name: 'tools', version: '1' }
      return { result: { protocolVersion: '2025-11-25', serverInfo, capabilities: { tools: {} } } }
    }
    if (method === 'ping') return { result: {} }
    if (method === 'tools/call') return { result: { content: [{ type: 'text', text: `ran ${params['name']}` }] } }
    if (method !== 'tools/list') return { error: { code: -32601, message: 'Method not found' } }
    listed++
    return { result: { tools } }
  }
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    let text = ''
    for await (const chunk of request) text += chunk
    const { id, method, params = {} }: { id?: unknown; method?: unknown; params?: Json } = JSON.parse(text)
    if (method === 'tools/call') called.push(String(params['name']))
    if (method === 'tools/call' && fails) return void request.socket.destroy()
    if (id === undefined) return void response.writeHead(202).end()
    const answer = outcome(method, params)
    response
      .writeHead('error' in answer ? 400 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    called,
    get listed() {
      return listed
    },
    setTools(next) {
      tools = next
    },
    failCalls() {
      fails = true
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
