/*
 * An MCP server that does nothing: the upstream whose own cost is as small as plain node:http allows, so that what is measured is
 * what stands in front of it. What it says is in null-mcp.ts; it keeps no state and accepts any session. Prints `listening on URL`
 * when ready; takes its port as argument (0: a free one).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { answer, type Rpc } from './null-mcp.ts'

function reply(response: ServerResponse, message: Rpc): void {
  if (message.id === undefined) {
    response.writeHead(202).end()
    return
  }
  const outcome = answer(message)
  const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...outcome })
  const session = message.method === 'initialize' ? { 'mcp-session-id': 'any' } : {}
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...session }
  response.writeHead('error' in outcome ? 404 : 200, headers).end(body)
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    try {
      reply(response, JSON.parse(Buffer.concat(chunks).toString('utf8')))
    } catch {
      response.writeHead(400).end() // Not JSON: not MCP.
    }
  })
}

const server = createServer((request, response) => {
  if (request.method === 'POST') return receive(request, response)
  request.resume()
  response.writeHead(request.method === 'DELETE' ? 200 : 405, { allow: 'POST, DELETE' }).end()
})
// Connections of a pool must outlive a pause between two rounds.
server.keepAliveTimeout = 120_000
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  process.stderr.write(`listening on http://127.0.0.1:${port}/mcp\n`)
})
