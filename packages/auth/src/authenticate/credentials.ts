import { CredentialInvalidError, CredentialsConflictError } from '../errors.js'

// The longest credential there is, a token, and "Bearer ".
const MAX_HEADER_LENGTH = 8_192 + 64
const BEARER = /^Bearer +([\x21-\x7e]+)$/i

/** What a request says about its caller. Header values only: a credential in a URL ends up in logs. */
export interface RequestCredentials {
  /** Value of `Authorization`. */
  readonly authorization?: string | undefined
  /** Value of `X-API-Key`. */
  readonly apiKey?: string | undefined
}

/**
 * The one credential of a request; undefined for none.
 * @throws CredentialsConflictError, CredentialInvalidError for another scheme than Bearer
 */
export function credentialOf({ authorization, apiKey }: RequestCredentials): string | undefined {
  const bearer = authorization === undefined ? undefined : bearerOf(authorization)
  if (apiKey === undefined) return bearer
  if (bearer !== undefined && bearer !== apiKey) throw new CredentialsConflictError()
  if (apiKey === '' || apiKey.length > MAX_HEADER_LENGTH) throw new CredentialInvalidError('malformed')
  return apiKey
}

function bearerOf(authorization: string): string {
  const match = authorization.length > MAX_HEADER_LENGTH ? null : BEARER.exec(authorization)
  if (match?.[1] === undefined) throw new CredentialInvalidError('malformed')
  return match[1]
}
