import type { Scope } from '../principal.js'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** Protected resource metadata, RFC 9728. */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers?: readonly string[]
  readonly jwks_uri?: string
  readonly scopes_supported: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly resource_name?: string
  readonly resource_documentation?: string
}

/** What {@link protectedResourceMetadata} says. */
export interface ProtectedResource {
  /** URL of the resource: https (or http on loopback), no query, no fragment. */
  readonly resource: string
  /** Issuers whose tokens are taken. */
  readonly authorizationServers?: readonly string[] | undefined
  readonly jwksUri?: string | undefined
  /** Scopes that are of use here. */
  readonly scopes: readonly Scope[]
  readonly name?: string | undefined
  readonly documentation?: string | undefined
}

/** The document that tells OAuth clients how to get a token for a resource. @throws RangeError for a URL that cannot be one */
export function protectedResourceMetadata(of: ProtectedResource): ProtectedResourceMetadata {
  resourceUrl(of.resource)
  return {
    resource: of.resource,
    ...(of.authorizationServers === undefined ? {} : { authorization_servers: of.authorizationServers }),
    ...(of.jwksUri === undefined ? {} : { jwks_uri: of.jwksUri }),
    scopes_supported: of.scopes,
    bearer_methods_supported: ['header'],
    ...(of.name === undefined ? {} : { resource_name: of.name }),
    ...(of.documentation === undefined ? {} : { resource_documentation: of.documentation }),
  }
}

/** Where the document of a resource lies: the well-known path goes between host and path (RFC 9728, section 3.1). @throws RangeError */
export function resourceMetadataUrl(resource: string): string {
  const url = resourceUrl(resource)
  const path = url.pathname === '/' ? '' : url.pathname
  return `${url.origin}${WELL_KNOWN}${path}`
}

function resourceUrl(resource: string): URL {
  const url = URL.parse(resource)
  if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== '' || url.search !== '' || url.username !== '') {
    throw new RangeError(`auth: not the URL of a resource: ${JSON.stringify(resource)}`)
  }
  return url
}
