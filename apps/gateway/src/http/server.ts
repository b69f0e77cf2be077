import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { GatewayStartError, reasonOf, systemCode } from '../errors.js'
import { isWildcard, urlHost } from './addresses.js'
import { answerClientError } from './client-error.js'

/** Certificate and key in PEM. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

// SECURITY.md, Traffic. `requestTimeout` bounds the arrival of a request, not the answer.
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
}

/**
 * Connections that the system takes while the process is busy; the system's own limit (`net.core.somaxconn`) may be lower.
 * Node's default of 511 refuses callers of a burst that the gateway would serve a moment later.
 */
const BACKLOG = 4_096

/** A listening HTTP server. */
export interface Listener {
  readonly server: Server
  readonly url: string
  /** Stops accepting; resolves when every connection has ended. Idle ones are closed at once. */
  stop(): Promise<void>
  /** Cuts what is still open. */
  cut(): void
}

/**
 * Listens on `host:port` with the limits of SECURITY.md.
 * @throws GatewayStartError with one sentence: a taken port, an address this machine does not have, …
 */
export async function listen(options: {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles | undefined
  readonly handle: RequestListener
  /** Other processes of this gateway listen there too. @default false */
  readonly shared?: boolean | undefined
}): Promise<Listener> {
  const { host, port, tls, handle, shared = false } = options
  const server = tls === undefined ? createServer(LIMITS, handle) : await tlsServer(tls, handle)
  server.on('clientError', answerClientError)
  await bind(server, host, port, shared && CAN_REUSE_PORT)
  const url = urlOf({ host, port: portOf(server), isTls: tls !== undefined })
  return { server, url, stop: () => stop(server), cut: () => cut(server) }
}

/** The URL by which a listener is reached on this machine. */
export function urlOf({ host, port, isTls }: { host: string; port: number; isTls: boolean }): string {
  return `${isTls ? 'https' : 'http'}://${urlHost(reachable(host))}:${port}`
}

/**
 * Finds out whether `host:port` can be listened on, and which port stands for 0, without keeping it.
 * @throws GatewayStartError as {@link listen}
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const server = createServer()
  await bind(server, host, port)
  const claimed = portOf(server)
  await stop(server)
  return claimed
}

// A wildcard is no address to call.
function reachable(host: string): string {
  if (!isWildcard(host)) return host
  return host.includes(':') ? '::1' : '127.0.0.1'
}

async function tlsServer(files: TlsFiles, handle: RequestListener): Promise<Server> {
  try {
    const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)])
    return createTlsServer({ ...LIMITS, cert, key }, handle)
  } catch (error) {
    const message = `the TLS certificate ${files.cert} or its key cannot be used (${reasonOf(error)}); check --tls-cert and --tls-key`
    throw new GatewayStartError('TLS_FILES', message, error)
  }
}

// With a socket of its own for each process, the system gives new connections to those that live. Handing them out in
// the primary (node:cluster's way, used elsewhere) loses those that go to a worker which has just been killed.
const CAN_REUSE_PORT = process.platform === 'linux' || process.platform === 'freebsd'

function bind(server: Server, host: string, port: number, reusePort = false): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (error: Error): void => reject(startError(error, host, port))
  server.once('error', failed)
  server.listen({ host, port, reusePort, backlog: BACKLOG }, () => {
    server.off('error', failed)
    resolve()
  })
  return promise
}

function startError(error: Error, host: string, port: number): GatewayStartError {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new GatewayStartError(
        'ADDRESS_IN_USE',
        `port ${port} on ${host} is taken by another program; stop it, or choose another port with --port (0 takes a free one)`,
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new GatewayStartError(
        'ADDRESS_NOT_AVAILABLE',
        `this machine has no address ${host}; choose another with --host`,
        error,
      )
    case 'EACCES':
      return new GatewayStartError(
        'ADDRESS_NOT_PERMITTED',
        `port ${port} needs more rights than this user has; choose one above 1023 with --port`,
        error,
      )
    default:
      return new GatewayStartError(
        'ADDRESS_NOT_AVAILABLE',
        `cannot listen on ${host}:${port}: ${reasonOf(error)}`,
        error,
      )
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server is not listening on a port')
  return address.port
}

const IDLE_SWEEP_MS = 100

// A connection becomes idle when its last answer has ended, so idle ones are looked for until none is left.
function stop(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS)
  server.close(() => {
    clearInterval(sweep)
    resolve()
  })
  server.closeIdleConnections()
  return promise
}

function cut(server: Server): void {
  server.close()
  server.closeAllConnections()
}
