import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { anonymous, localAdmin, type Principal } from '@mcp-platform/auth'
import { GatewayError } from '@mcp-platform/gateway-core'

/** Says who sends a request. @throws GatewayError CREDENTIALS_CONFLICT, CREDENTIAL_REQUIRED, CREDENTIAL_INVALID */
export type Authenticate = (request: { readonly headers: IncomingHttpHeaders }) => Principal

const REALM = 'Bearer realm="mcp-gateway"'

/**
 * Knows one credential, the local admin token of the state folder. Without one the caller is `anonymous` where
 * authentication is off. A wrong credential is never taken for none.
 */
export function localIdentity(options: {
  readonly adminToken: string
  readonly authEnabled: boolean
  /** The token may register commands. */
  readonly mayExecute: boolean
}): Authenticate {
  const expected = digest(options.adminToken)
  const admin = localAdmin({ mayExecute: options.mayExecute })
  return (request) => {
    const credential = credentialOf(request.headers)
    if (credential === undefined) {
      if (!options.authEnabled) return anonymous
      throw credentialRequired('this gateway needs a credential')
    }
    // Digests have one length, and comparing them takes one time.
    if (timingSafeEqual(digest(credential), expected)) return admin
    throw new GatewayError('CREDENTIAL_INVALID', 'the credential is not valid', {
      challenge: `${REALM}, error="invalid_token"`,
    })
  }
}

/** 401 that says how to do better. */
export function credentialRequired(message: string): GatewayError {
  const hint = 'send "Authorization: Bearer …" or "X-API-Key: …" (the local admin token lies in the state folder)'
  return new GatewayError('CREDENTIAL_REQUIRED', `${message}; ${hint}`, { challenge: REALM })
}

function credentialOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = bearerOf(headers.authorization)
  const key = headers['x-api-key']
  if (typeof key !== 'string') return bearer
  if (bearer !== undefined && bearer !== key) {
    throw new GatewayError(
      'CREDENTIALS_CONFLICT',
      'Authorization and X-API-Key hold different credentials; send one of them',
    )
  }
  return key
}

function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const match = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization.trim())
  if (match?.[1] !== undefined) return match[1]
  throw new GatewayError('CREDENTIAL_INVALID', 'Authorization must be "Bearer <credential>"', {
    challenge: `${REALM}, error="invalid_request"`,
  })
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
