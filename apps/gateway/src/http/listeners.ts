import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Gateway, GatewayError } from '@mcp-platform/gateway-core'
import type { Express } from 'express'
import type { Settings } from '../config/settings.js'
import type { Readiness } from '../readiness.js'
import { requestListener } from './listener.js'
import { requestIdOf } from './request-id.js'
import { RequestPolicy } from './request-policy.js'
import { type Listener, listen, type TlsFiles } from './server.js'

/** The servers of a gateway: one, or two when management has one of its own. */
export interface Listeners {
  readonly url: string
  readonly adminUrl: string
  /** Stops accepting; resolves when every connection has ended. */
  stop(): Promise<void>
  /** Cuts what is open. */
  cut(): void
}

/**
 * Opens the listeners.
 * @throws GatewayStartError; then none is open
 */
export async function openListeners(parts: {
  readonly settings: Settings
  readonly readiness: Readiness
  readonly gateway: Gateway
  readonly app: Express
}): Promise<Listeners> {
  const { settings, readiness, gateway, app } = parts
  const mcp = mcpListener(gateway, readiness)
  const admin = settings.adminListen === undefined ? undefined : splitAddress(settings.adminListen)
  const handle = (host: string, destinations: Parameters<typeof requestListener>[2]): RequestListener =>
    closing(requestListener(policyFor(settings, host), settings.corsOrigin, destinations), readiness)
  const { host, port } = settings
  const tls = tlsOf(settings)
  const main = await listen({
    host,
    port,
    tls,
    handle: handle(host, { mcp, rest: app, healthOnly: admin !== undefined }),
  })
  if (admin === undefined) return together(main, [main])
  try {
    const management = { ...admin, tls, handle: handle(admin.host, { mcp: undefined, rest: app, healthOnly: false }) }
    const second = await listen(management)
    return { ...together(main, [main, second]), adminUrl: second.url }
  } catch (error) {
    await main.stop()
    throw error
  }
}

function mcpListener(gateway: Gateway, readiness: Readiness): RequestListener {
  return (request, response) => {
    // The port is bound before servers are started, so that a taken one is found out first.
    if (readiness.phase === 'starting')
      throw new GatewayError('OVERLOADED', 'the gateway is starting', {
        executed: 'no',
        retryable: true,
        retryAfterMs: 1_000,
      })
    gateway.handle(request, response, requestIdOf(request))
  }
}

// A connection that is kept alive would keep a stopping server open.
function closing(listener: RequestListener, readiness: Readiness): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (readiness.phase === 'stopping') response.shouldKeepAlive = false
    listener(request, response)
  }
}

function policyFor(settings: Settings, host: string): RequestPolicy {
  return new RequestPolicy({
    host,
    publicUrl: settings.publicUrl,
    allowedHosts: settings.allowedHost,
    allowedOrigins: [...settings.allowedOrigin, ...settings.corsOrigin],
  })
}

function tlsOf({ tlsCert, tlsKey }: Settings): TlsFiles | undefined {
  return tlsCert === undefined || tlsKey === undefined ? undefined : { cert: tlsCert, key: tlsKey }
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) }
}

function together(main: Listener, all: readonly Listener[]): Listeners {
  return {
    url: main.url,
    adminUrl: main.url,
    stop: async () => void (await Promise.all(all.map((listener) => listener.stop()))),
    cut: () => {
      for (const listener of all) listener.cut()
    },
  }
}
