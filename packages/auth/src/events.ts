import type { CredentialProblem } from './errors.js'

/** What the classes of this package tell their observer. Synchronous; holds no credential. */
export type AuthEvent =
  | { readonly type: 'identity-changed'; readonly version: number; readonly action: string | undefined }
  | { readonly type: 'identity-refresh-failed'; readonly error: unknown }
  | {
      readonly type: 'credential-refused'
      readonly problem: CredentialProblem
      readonly subject: string | undefined
      readonly address: string | undefined
    }
  | { readonly type: 'issuer-keys-loaded'; readonly issuer: string; readonly keys: number }
  | { readonly type: 'issuer-keys-failed'; readonly issuer: string; readonly error: unknown }
  | { readonly type: 'refresh-token-reused'; readonly user: string; readonly family: string }
  | { readonly type: 'login-throttled'; readonly by: 'account' | 'address'; readonly retryAfterMs: number }
  | { readonly type: 'password-not-strengthened'; readonly user: string; readonly error: unknown }
  | { readonly type: 'signing-key-added'; readonly kid: string }
  | { readonly type: 'signing-key-removed'; readonly kid: string }
  | { readonly type: 'audit-deferred'; readonly pending: number; readonly error: unknown }
  | { readonly type: 'audit-dropped'; readonly dropped: number }
  | { readonly type: 'audit-written'; readonly events: number }

/** Takes events; must not throw. */
export type AuthObserver = (event: AuthEvent) => void
