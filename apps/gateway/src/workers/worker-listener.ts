import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Gateway } from '@mcp-platform/gateway-core'
import { GatewayError } from '@mcp-platform/gateway-core'
import type { Settings } from '../config/settings.js'
import type { Hops } from '../http/listener.js'
import { mcpListener, openMainListener } from '../http/listeners.js'
import { requestIdOf } from '../http/request-id.js'
import { sendError } from '../http/send-problem.js'
import type { Listener } from '../http/server.js'
import type { Readiness } from '../readiness.js'
import type { Pipes } from './pipe.js'

/** What the public listener of a worker is made from. */
export interface WorkerListenerParts {
  readonly settings: Settings
  readonly readiness: Readiness
  readonly gateway: Gateway
  /** Told of each exchange that begins. */
  readonly follow: RequestListener
  /** Takes what other nodes send. */
  readonly hops: Hops
  readonly pipes: Pipes
  /** Where the primary serves everything but MCP traffic. */
  readonly controlSocket: string
}

/** Binds the public address. MCP traffic is served here; everything else, and health, is the primary's. */
export function openWorkerListener(parts: WorkerListenerParts): Promise<Listener> {
  const { settings, readiness, gateway, follow } = parts
  const toPrimary = primaryListener(parts)
  const serve = mcpListener(gateway, readiness, follow)
  const mcp: RequestListener = (request, response) => {
    if (asksForHealth(request.url ?? '')) toPrimary(request, response)
    else serve(request, response)
  }
  return openMainListener({ settings, readiness, mcp, rest: toPrimary, hops: parts.hops, shared: true })
}

function primaryListener({ pipes, controlSocket }: WorkerListenerParts): RequestListener {
  return (request, response) => void toPrimary(pipes, controlSocket, request, response)
}

async function toPrimary(
  pipes: Pipes,
  socket: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = requestIdOf(request)
  try {
    if (await pipes.send(socket, { request, response, requestId })) return
    throw new GatewayError('SHUTTING_DOWN', 'the gateway is shutting down')
  } catch (error) {
    sendError(response, error, requestId)
  }
}

// `/mcp/{template}/health`: only the primary probes, so only it can say when it did.
function asksForHealth(target: string): boolean {
  return /^\/mcp\/[^/?]+\/health(\?|$)/.test(target)
}
