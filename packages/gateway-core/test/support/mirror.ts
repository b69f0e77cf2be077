/*
 * A server of either era that answers any request with what its params ask for: `params.reply` is `{ result }` or
 * `{ error }`. So a test decides what a "server" says, down to members that no SDK would send. Run it for stdio:
 *   node mirror.ts legacy|modern
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Record<string, unknown>
export type MirrorEra = 'legacy' | 'modern'

const TOOL = {
  name: 'mirror',
  inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
}

/** What the server says to one message; undefined for one that wants no answer. */
export function answerOf(message: Json, era: MirrorEra): Json | undefined {
  const { id, method } = message
  if (id === undefined || method === undefined) return undefined
  return { jsonrpc: '2.0', id, ...outcomeOf(method, asJson(message['params']), era) }
}

function outcomeOf(method: unknown, params: Json, era: MirrorEra): Json {
  const serverInfo = { name: 'mirror', version: '1' }
  const capabilities = { tools: {} }
  if (method === 'initialize' && era === 'legacy') {
    return { result: { protocolVersion: params['protocolVersion'], serverInfo, capabilities } }
  }
  if (method === 'server/discover' && era === 'modern') {
    return {
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities,
        ttlMs: 0,
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
      },
    }
  }
  if (method === 'ping') return { result: {} }
  if (method === 'tools/list') return { result: { tools: [TOOL], ...modernHints(era) } }
  const { reply } = params['reply'] === undefined ? asJson(params['arguments']) : params
  if (reply !== undefined) return asJson(reply)
  return { error: { code: -32601, message: 'Method not found' } }
}

function modernHints(era: MirrorEra): Json {
  return era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}
}

/** Serves Streamable HTTP; every request that was executed is in `seen`. */
export async function serveMirror(era: MirrorEra): Promise<{
  url: string
  seen: { message: Json; headers: Json }[]
  close(): Promise<void>
}> {
  const seen: { message: Json; headers: Json }[] = []
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    let text = ''
    for await (const chunk of request) text += chunk
    const message = asJson(JSON.parse(text))
    const session = era === 'legacy' ? { 'mcp-session-id': 'mirror-session' } : {}
    if (era === 'legacy' && message['method'] === 'server/discover') {
      return void response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'not initialized' } }))
    }
    seen.push({ message, headers: { ...request.headers } })
    const answer = answerOf(message, era)
    if (!answer) return void response.writeHead(202, session).end()
    response.writeHead(200, { 'content-type': 'application/json', ...session }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function asJson(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

const [, , era] = process.argv
if (process.argv[1]?.endsWith('mirror.ts') && (era === 'legacy' || era === 'modern')) {
  // Not by readline, which ends lines at U+2028 too.
  let held = ''
  process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (held + chunk).split('\n')
    held = lines.pop() ?? ''
    for (const line of lines) {
      const answer = answerOf(asJson(JSON.parse(line)), era)
      if (answer) process.stdout.write(`${JSON.stringify(answer)}\n`)
    }
  })
}
