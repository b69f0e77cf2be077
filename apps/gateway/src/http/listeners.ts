import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Gateway, GatewayError } from '@mcp-platform/gateway-core'
import type { Settings } from '../config/settings.js'
import type { Readiness } from '../readiness.js'
import { type Destinations, type Hops, requestListener } from './listener.js'
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

/** What a listener is made from. */
export interface ListenerParts {
  readonly settings: Settings
  readonly readiness: Readiness
  /** `/mcp` and `/mcp/*` */
  readonly mcp: RequestListener
  /** Everything else. */
  readonly rest: RequestListener
  /** Takes what other nodes send. @default there are none */
  readonly hops?: Hops | undefined
  /** Other processes serve the public address too. @default false */
  readonly shared?: boolean | undefined
}

/**
 * Opens the listeners.
 * @throws GatewayStartError; then none is open
 */
export async function openListeners(parts: ListenerParts): Promise<Listeners> {
  const main = await openMainListener(parts)
  try {
    const admin = await openAdminListener(parts)
    return admin === undefined ? together(main, [main]) : { ...together(main, [main, admin]), adminUrl: admin.url }
  } catch (error) {
    await main.stop()
    throw error
  }
}

/** Opens the public listener. @throws GatewayStartError */
export function openMainListener({ settings, readiness, mcp, rest, hops, shared }: ListenerParts): Promise<Listener> {
  const { host, port } = settings
  const destinations = { mcp, rest, hops, healthOnly: settings.adminListen !== undefined }
  return listen({ host, port, tls: tlsOf(settings), shared, handle: handler(settings, readiness, host, destinations) })
}

/** Opens the listener for management, if it has one of its own. @throws GatewayStartError */
export async function openAdminListener(parts: Omit<ListenerParts, 'mcp'>): Promise<Listener | undefined> {
  const { settings, readiness, rest } = parts
  if (settings.adminListen === undefined) return undefined
  const { host, port } = splitAddress(settings.adminListen)
  const destinations = { mcp: undefined, rest, healthOnly: false }
  return listen({ host, port, tls: tlsOf(settings), handle: handler(settings, readiness, host, destinations) })
}

function handler(settings: Settings, readiness: Readiness, host: string, destinations: Destinations): RequestListener {
  return closing(requestListener(policyFor(settings, host), settings.corsOrigin, destinations), readiness)
}

const CUT_OFF = { executed: 'no', retryable: true, retryAfterMs: 5_000 } as const

/** Serves MCP traffic by this process's gateway. `follow` is told of each exchange that begins. */
export function mcpListener(gateway: Gateway, readiness: Readiness, follow: RequestListener): RequestListener {
  return (request, response) => {
    // The port is bound before servers are started, so that a taken one is found out first.
    if (readiness.phase === 'starting')
      throw new GatewayError('OVERLOADED', 'the gateway is starting', {
        executed: 'no',
        retryable: true,
        retryAfterMs: 1_000,
      })
    const { cutOff } = readiness
    if (cutOff !== undefined) throw new GatewayError('DATABASE_UNAVAILABLE', cutOff, CUT_OFF)
    follow(request, response)
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
