import { protectedResourceMetadata, type Scope } from '@mcp-platform/auth'
import type { JwksView, Problem, ProtectedResourceView } from '@mcp-platform/contract'
import { GatewayError } from '@mcp-platform/gateway-core'
import { Controller, Get, Path, Request, Response, Route, Tags } from '@tsoa/runtime'
import type { Request as HttpRequest } from 'express'
import type { Services } from '../http/services.js'

const TEMPLATE = /^[a-z0-9](?:[a-z0-9.-]|_(?!_)){0,31}$/
const MCP_SCOPES: readonly Scope[] = ['tools:read', 'tools:call', 'resources:read', 'prompts:read']
const ALL_SCOPES: readonly Scope[] = [
  ...MCP_SCOPES,
  'registry:read',
  'registry:write',
  'users:admin',
  'keys:admin',
  'audit:read',
  'metrics:read',
]

/** What OAuth clients look up before they have a credential. Says nothing about which templates there are. */
@Route('.well-known')
@Tags('Identity')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class WellKnownController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /** @summary Public keys of our access tokens (RFC 7517) */
  @Get('jwks.json')
  jwks(): JwksView {
    this.setHeader('Cache-Control', 'public, max-age=300')
    const { keys } = this.#services.identity.signingKeys.jwks()
    return { keys: keys.map((key) => ({ ...key })) }
  }

  /** @summary The gateway as a protected resource (RFC 9728) */
  @Get('oauth-protected-resource')
  gateway(@Request() request: HttpRequest): ProtectedResourceView {
    return this.#metadata(request, '', ALL_SCOPES)
  }

  /** @summary The aggregated MCP endpoint as a protected resource (RFC 9728) */
  @Get('oauth-protected-resource/mcp')
  aggregate(@Request() request: HttpRequest): ProtectedResourceView {
    return this.#metadata(request, '/mcp', MCP_SCOPES)
  }

  /** @summary The MCP endpoint of a template as a protected resource (RFC 9728) */
  @Get('oauth-protected-resource/mcp/{template}')
  template(@Request() request: HttpRequest, @Path() template: string): ProtectedResourceView {
    if (!TEMPLATE.test(template)) throw new GatewayError('ROUTE_NOT_FOUND', 'this is no name of a template')
    return this.#metadata(request, `/mcp/${template}`, MCP_SCOPES)
  }

  #metadata(request: HttpRequest, path: string, scopes: readonly Scope[]): ProtectedResourceView {
    const { door, issuers } = this.#services.identity
    const origin = door.challenges.origin(request)
    const servers = issuers.map(({ issuer }) => issuer)
    return protectedResourceMetadata({
      resource: origin + path,
      authorizationServers: servers.length === 0 ? undefined : servers,
      scopes,
      name: path === '' ? 'MCP Platform gateway' : `MCP endpoint ${path}`,
      documentation: `${origin}/docs`,
    })
  }
}
