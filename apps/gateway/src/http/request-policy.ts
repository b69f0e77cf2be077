import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { GatewayError } from '@mcp-platform/gateway-core'
import { isLoopback, isWildcard, urlHost } from './addresses.js'
import { checkSingleHeaders } from './single-headers.js'

/** Which callers are served; see SECURITY.md, "Modes" and "Traffic". */
export interface RequestPolicyOptions {
  /** What the gateway listens on. */
  readonly host: string
  readonly publicUrl?: string | undefined
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

/** Hosts that passed are remembered, so that the check costs one look-up; strangers cannot fill the memory. */
const MAX_REMEMBERED = 64
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses requests by their head alone, on every path, with authentication on or off. A page in the user's browser
 * reaches a loopback gateway as easily as the user does: `Host` stops DNS rebinding, `Origin` stops everything else.
 */
export class RequestPolicy {
  readonly #hosts: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>
  readonly #anyAddress: boolean
  readonly #passed = new Set<string>()

  constructor(options: RequestPolicyOptions) {
    const fromUrl = options.publicUrl === undefined ? undefined : new URL(options.publicUrl)
    const hosts = [
      urlHost(options.host),
      ...options.allowedHosts.map(urlHost),
      ...(fromUrl ? [fromUrl.host, fromUrl.hostname] : []),
    ]
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()))
    this.#origins = new Set([...options.allowedOrigins, ...(fromUrl ? [fromUrl.origin] : [])])
    this.#anyAddress = isWildcard(options.host)
  }

  /** @throws GatewayError REQUEST_MALFORMED, HOST_NOT_ALLOWED, ORIGIN_NOT_ALLOWED */
  check(request: IncomingMessage): void {
    checkTarget(request.url ?? '')
    checkSingleHeaders(request.rawHeaders)
    const host = request.headers.host ?? ''
    this.#checkHost(host)
    this.#checkOrigin(request, host)
  }

  #checkHost(host: string): void {
    if (this.#passed.has(host)) return
    const name = host.toLowerCase()
    const bare = withoutPort(name)
    if (this.#isServed(name, bare)) {
      if (this.#passed.size < MAX_REMEMBERED) this.#passed.add(host)
      return
    }
    throw new GatewayError(
      'HOST_NOT_ALLOWED',
      `the Host ${JSON.stringify(host)} is not served here; allow it with --allowed-host ${bare || 'NAME'}`,
    )
  }

  #isServed(name: string, bare: string): boolean {
    if (isLoopback(bare) || this.#hosts.has(bare) || this.#hosts.has(name)) return true
    // Rebinding needs a name: an address in the URL leads where it says.
    return this.#anyAddress && isIP(bare.replace(/^\[(.*)\]$/, '$1')) !== 0
  }

  #checkOrigin(request: IncomingMessage, host: string): void {
    const { origin } = request.headers
    if (origin !== undefined && !this.#origins.has(origin) && !isSameOrigin(origin, host)) {
      throw new GatewayError(
        'ORIGIN_NOT_ALLOWED',
        `requests of web pages of ${JSON.stringify(origin)} are not served; allow them with --allowed-origin ${origin}`,
      )
    }
    const site = request.headers['sec-fetch-site']
    if (site !== 'cross-site' || SAFE_METHODS.has(request.method ?? '')) return
    if (origin !== undefined && this.#origins.has(origin)) return
    throw new GatewayError('ORIGIN_NOT_ALLOWED', 'a page of another site may not send changes')
  }
}

function checkTarget(target: string): void {
  if (target.startsWith('/') || target === '*') return
  throw new GatewayError('REQUEST_MALFORMED', 'the request line must hold a path; this is no forward proxy')
}

// The Host was allowed before, so a page of that very host and port is this gateway's own (`/docs`).
function isSameOrigin(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '')
}
