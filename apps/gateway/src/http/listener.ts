import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { GatewayError } from '@mcp-platform/gateway-core'
import { handleCors } from './cors.js'
import { requestIdOf } from './request-id.js'
import type { RequestPolicy } from './request-policy.js'
import { setSecurityHeaders } from './security-headers.js'
import { sendError } from './send-problem.js'

/** Where requests go after the checks that hold for all of them. */
export interface Destinations {
  /** `/mcp` and `/mcp/*`; undefined on a listener that serves management only. */
  readonly mcp: RequestListener | undefined
  /** Everything else. */
  readonly rest: RequestListener
  /** Serve nothing but `/health/*` and `/.well-known/*` besides MCP: management has a listener of its own. */
  readonly healthOnly: boolean
  /** Takes what other nodes send, which proves itself; absent: there are none. */
  readonly hops?: Hops | undefined
}

/** A way in of its own for other nodes of the gateway: neither `Host` nor `Origin` say anything about them. */
export interface Hops {
  readonly isMeant: (request: IncomingMessage) => boolean
  readonly handle: RequestListener
}

/**
 * The server's own request listener. MCP traffic leaves here before Express is entered: Express sets two prototypes
 * on every request, and that alone costs more than everything else the gateway does (PERFORMANCE.md).
 */
export function requestListener(
  policy: RequestPolicy,
  corsOrigins: readonly string[],
  destinations: Destinations,
): RequestListener {
  const origins = new Set(corsOrigins)
  const { hops } = destinations
  return (request, response) => {
    if (hops?.isMeant(request)) return hops.handle(request, response)
    try {
      policy.check(request)
      if (handleCors(request, response, origins)) return
      route(request, response, destinations)
    } catch (error) {
      request.resume()
      sendError(response, error, requestIdOf(request))
    }
  }
}

function route(request: IncomingMessage, response: ServerResponse, destinations: Destinations): void {
  const { mcp, rest, healthOnly } = destinations
  const path = request.url ?? '/'
  if (mcp !== undefined && isUnder(path, '/mcp')) {
    mcp(request, response)
    return
  }
  if (healthOnly && !isUnder(path, '/health') && !isUnder(path, '/.well-known')) {
    throw new GatewayError('ROUTE_NOT_FOUND', 'management is not served on this address')
  }
  setSecurityHeaders(response)
  rest(request, response)
}

function isUnder(path: string, root: string): boolean {
  if (!path.startsWith(root)) return false
  const next = path.charCodeAt(root.length)
  // The end, "/" or "?".
  return Number.isNaN(next) || next === 0x2f || next === 0x3f
}
