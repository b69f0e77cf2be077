/*
 * Reference: the thinnest HTTP proxy that plain Node and undici allow. It knows no MCP, picks nobody, counts nothing; a gateway in
 * the same runtime can come close to it and not pass it by much. Arguments: PORT UPSTREAM_URL.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'undici'

const [port = '0', upstream = ''] = process.argv.slice(2)
const { origin, pathname } = new URL(upstream)
const pool = new Pool(origin, { connections: 128, pipelining: 1, keepAliveTimeout: 60_000 })
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'content-length', 'expect'])

function forwardable(headers: IncomingMessage['headers']): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string' && !HOP_BY_HOP.has(name)) kept[name] = value
  }
  return kept
}

function forward(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const chunks: Buffer[] = []
  let status = 502
  let headers: Record<string, string | string[] | undefined> = {}
  const options = { path: pathname, method: 'POST' as const, headers: forwardable(request.headers), body }
  pool.dispatch(options, {
    onRequestStart() {},
    onResponseStart(_controller, statusCode, responseHeaders) {
      status = statusCode
      headers = responseHeaders
    },
    onResponseData(_controller, chunk) {
      chunks.push(chunk)
    },
    onResponseEnd() {
      const complete = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...kept } = headers
      response.writeHead(status, { ...kept, 'content-length': complete?.length ?? 0 }).end(complete)
    },
    onResponseError() {
      response.writeHead(502).end()
    },
  })
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => forward(request, Buffer.concat(chunks), response))
})
server.keepAliveTimeout = 120_000
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address()
  const actual = address !== null && typeof address === 'object' ? address.port : 0
  process.stderr.write(`listening on http://127.0.0.1:${actual}/mcp\n`)
})
