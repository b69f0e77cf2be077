import { type AuthObserver, ExternalIssuer } from '@mcp-platform/auth'
import type { Settings } from '../config/settings.js'
import type { TokenIssuer } from '../config/token-issuer.js'
import { addressPolicy } from '../upstream/address-policy.js'
import { guardedFetch } from './guarded-fetch.js'

/** The issuers besides ourselves whose tokens are taken. Their keys are read when the first token comes. */
export function externalIssuers(settings: Settings, onEvent: AuthObserver): readonly ExternalIssuer[] {
  const { publicUrl, tokenIssuer } = settings
  if (publicUrl === undefined) return []
  const fetch = guardedFetch(addressPolicy(settings))
  return tokenIssuer.map((of) => new ExternalIssuer({ ...optionsOf(of), audiences: [publicUrl], fetch, onEvent }))
}

function optionsOf(of: TokenIssuer): Omit<ConstructorParameters<typeof ExternalIssuer>[0], 'audiences' | 'fetch'> {
  return {
    issuer: of.issuer,
    jwksUrl: of.jwks_url,
    aliases: of.audience,
    algorithms: of.algorithms,
    types: of.types,
    claim: of.role_claim,
    roles: of.roles,
    everybody: of.default_role,
    scopes: of.scopes,
    templates: of.templates,
    tools: of.tools,
    nameClaim: of.name_claim,
    maxLifetimeSeconds: of.max_lifetime,
  }
}
