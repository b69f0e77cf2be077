import type { Scope } from '../principal.js'

/** What a `WWW-Authenticate` header says. */
export interface Challenge {
  /** @default 'mcp-gateway' */
  readonly realm?: string | undefined
  /** Absent when no credential was sent (RFC 6750, section 3.1). */
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | undefined
  readonly description?: string | undefined
  /** Scopes that would do. */
  readonly scopes?: readonly Scope[] | undefined
  /** URL of the protected resource metadata. */
  readonly resourceMetadata?: string | undefined
}

/** The value of a `WWW-Authenticate` header (RFC 6750, RFC 9728, MCP authorization). */
export function challengeText(challenge: Challenge): string {
  const { realm = 'mcp-gateway', error, description, scopes, resourceMetadata } = challenge
  const parameters = {
    realm,
    error,
    error_description: description,
    scope: scopes?.join(' '),
    resource_metadata: resourceMetadata,
  }
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  )
  return `Bearer ${given.join(', ')}`
}

// Only what RFC 6750 allows within quotes; nothing a caller sent can end the header or the text.
function quoted(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, "'")}"`
}
