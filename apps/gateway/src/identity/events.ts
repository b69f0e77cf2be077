import type { AuthEvent } from '@mcp-platform/auth'
import type { LogLine } from '../log/log-line.js'

/** What happens around identity. Holds no credential. */
export type IdentityEvent =
  | AuthEvent
  | { readonly type: 'chore-failed'; readonly chore: string; readonly error: unknown }
  | { readonly type: 'first-admin-made' }

/** The log line of an event. */
export function describeIdentity(event: IdentityEvent): LogLine {
  const { type, ...facts } = event
  switch (event.type) {
    case 'identity-changed':
      return { level: event.action === undefined ? 'debug' : 'info', message: 'users or keys changed', facts }
    case 'credential-refused':
      return { level: 'debug', message: 'credential refused', facts }
    case 'refresh-token-reused':
      return { level: 'warn', message: 'a refresh token was used twice: the login is ended', facts }
    case 'login-throttled':
      return { level: 'warn', message: 'logins are slowed down', facts }
    case 'first-admin-made':
      return { level: 'info', message: 'the user "admin" was made with the configured password', facts }
    case 'audit-dropped':
      return { level: 'error', message: 'audit events were lost: too many at once', facts }
    case 'identity-refresh-failed':
      return failure('users and keys could not be read; going on with what is known', event.error)
    case 'issuer-keys-failed':
      return failure(`the keys of ${event.issuer} could not be read`, event.error)
    case 'password-not-strengthened':
      return failure(`the password of ${event.user} could not be hashed anew`, event.error)
    case 'audit-deferred':
      return failure(`${event.pending} audit events wait for the database`, event.error)
    case 'chore-failed':
      return failure(`${event.chore} could not be brought up to date`, event.error)
    default:
      return { level: 'debug', message: type.replaceAll('-', ' '), facts }
  }
}

function failure(message: string, err: unknown): LogLine {
  return { level: 'warn', message, facts: { err } }
}
