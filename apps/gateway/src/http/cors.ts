import type { IncomingMessage, ServerResponse } from 'node:http'

const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS'
const EXPOSED =
  'X-Request-Id, X-Gateway-Attempts, X-Gateway-Instance, Server-Timing, Retry-After, WWW-Authenticate, Mcp-Session-Id'
const MAX_AGE_SECONDS = 600

/**
 * Lets scripts of the configured origins read answers. Returns true when the request was a preflight and is answered.
 * No credentials mode: a caller sends its token itself.
 */
export function handleCors(request: IncomingMessage, response: ServerResponse, origins: ReadonlySet<string>): boolean {
  const { origin } = request.headers
  if (origins.size === 0 || origin === undefined || !origins.has(origin)) return false
  response.setHeader('Access-Control-Allow-Origin', origin)
  response.setHeader('Vary', 'Origin')
  response.setHeader('Access-Control-Expose-Headers', EXPOSED)
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  response.setHeader('Access-Control-Allow-Methods', METHODS)
  response.setHeader('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? '')
  response.setHeader('Access-Control-Max-Age', MAX_AGE_SECONDS)
  response.writeHead(204)
  response.end()
  return true
}
