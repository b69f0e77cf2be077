import { AuthError, AuthInvalidError, type FieldFault, KeyNotFoundError, LoginThrottledError } from '@mcp-platform/auth'
import { GatewayError } from '@mcp-platform/gateway-core'

const UNAVAILABLE_RETRY_MS = 5_000
const BUSY_RETRY_MS = 1_000
// The library speaks of milliseconds, the API of seconds.
const WIRE_NAMES: Readonly<Record<string, string>> = { lifetimeMs: 'expires_in', overlapMs: 'overlap' }

/** Any error of `@mcp-platform/auth` as one of the contract; undefined for other errors. */
export function fromAuthError(error: unknown): GatewayError | undefined {
  if (error instanceof AuthError) return translate(error)
  // The store's own class for the same thing.
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'AUTH_STALE' ? stale(error) : undefined
}

function translate(error: AuthError): GatewayError {
  const { message } = error
  switch (error.code) {
    case 'AUTH_CREDENTIAL_MISSING':
      return new GatewayError('CREDENTIAL_REQUIRED', credentialHint('this gateway needs a credential'))
    case 'AUTH_CREDENTIAL_INVALID':
      return new GatewayError('CREDENTIAL_INVALID', message)
    case 'AUTH_CREDENTIALS_CONFLICT':
      return new GatewayError('CREDENTIALS_CONFLICT', message)
    case 'AUTH_UNAVAILABLE': {
      const facts = { retryable: true, retryAfterMs: UNAVAILABLE_RETRY_MS, executed: 'no' } as const
      return new GatewayError('IDENTITY_UNAVAILABLE', 'credentials cannot be checked now', facts, error)
    }
    case 'AUTH_FORBIDDEN':
      return new GatewayError('FORBIDDEN', message)
    case 'AUTH_INVALID':
      return invalid(error instanceof AuthInvalidError ? error.errors : [])
    case 'AUTH_PASSWORD_REFUSED':
      return invalid([{ path: 'password', message }])
    case 'AUTH_USER_NOT_FOUND':
      return new GatewayError('USER_NOT_FOUND', message)
    case 'AUTH_KEY_NOT_FOUND':
      return new GatewayError('API_KEY_NOT_FOUND', error instanceof KeyNotFoundError ? message : 'no such key')
    case 'AUTH_USER_EXISTS':
      return new GatewayError('USER_EXISTS', message)
    case 'AUTH_LAST_ADMIN':
      return new GatewayError('LAST_ADMIN', message)
    case 'AUTH_LOGIN_FAILED':
      return new GatewayError('LOGIN_FAILED', message, { challenge: 'Bearer realm="mcp-gateway"' })
    case 'AUTH_LOGIN_THROTTLED': {
      const retryAfterMs = error instanceof LoginThrottledError ? error.retryAfterMs : BUSY_RETRY_MS
      return new GatewayError('LOGIN_THROTTLED', message, { retryable: true, retryAfterMs })
    }
    case 'AUTH_PASSWORD_BUSY':
      return new GatewayError('OVERLOADED', message, { retryable: true, retryAfterMs: BUSY_RETRY_MS })
    case 'AUTH_STALE':
      return stale(error)
    case 'AUTH_MASTER_KEY_MISMATCH':
    case 'AUTH_SEALED':
      return new GatewayError('INTERNAL', 'a secret cannot be opened; the log has the cause', {}, error)
  }
}

/** 401 that says how to do better. */
export function credentialHint(message: string): string {
  const how = 'send "Authorization: Bearer …" or "X-API-Key: …" (the local admin token lies in the state folder)'
  return `${message}; ${how}`
}

function stale(error: unknown): GatewayError {
  const facts = { retryable: true, retryAfterMs: BUSY_RETRY_MS }
  return new GatewayError('CONFLICT', 'others keep changing users and keys; try again', facts, error)
}

function invalid(faults: readonly FieldFault[]): GatewayError {
  const errors = faults.map(({ path, message }) => ({ path: WIRE_NAMES[path] ?? path, message }))
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return new GatewayError('VALIDATION_FAILED', detail, { errors })
}
