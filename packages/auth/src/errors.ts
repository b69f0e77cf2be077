/** Every code an error of this package can carry. Stable. */
export type AuthErrorCode =
  | 'AUTH_CREDENTIAL_MISSING'
  | 'AUTH_CREDENTIAL_INVALID'
  | 'AUTH_CREDENTIALS_CONFLICT'
  | 'AUTH_UNAVAILABLE'
  | 'AUTH_FORBIDDEN'
  | 'AUTH_INVALID'
  | 'AUTH_USER_NOT_FOUND'
  | 'AUTH_USER_EXISTS'
  | 'AUTH_LAST_ADMIN'
  | 'AUTH_KEY_NOT_FOUND'
  | 'AUTH_STALE'
  | 'AUTH_LOGIN_FAILED'
  | 'AUTH_LOGIN_THROTTLED'
  | 'AUTH_PASSWORD_REFUSED'
  | 'AUTH_PASSWORD_BUSY'
  | 'AUTH_MASTER_KEY_MISMATCH'
  | 'AUTH_SEALED'

/** Base of all errors of this package: tell them apart by `code`. None ever holds a credential. */
export abstract class AuthError extends Error {
  abstract readonly code: AuthErrorCode
  override get name(): string {
    return this.constructor.name
  }
}

/** The request carries no credential and the caller may not be anonymous. */
export class CredentialMissingError extends AuthError {
  readonly code = 'AUTH_CREDENTIAL_MISSING'

  constructor() {
    super('a credential is needed: Authorization: Bearer, or X-API-Key')
  }
}

/** What was wrong with a credential: for the audit trail. Tell callers no more than that it is not valid. */
export type CredentialProblem =
  | 'malformed'
  | 'unknown'
  | 'signature'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'disabled'
  | 'address'
  | 'issuer'
  | 'audience'
  | 'type'
  | 'claims'

/** The request carries a credential that is not valid. The message is the same for every problem. */
export class CredentialInvalidError extends AuthError {
  readonly code = 'AUTH_CREDENTIAL_INVALID'
  readonly problem: CredentialProblem
  /** Whose credential it is or claims to be (`key:<id>`, `user:<name>`), where that is known. */
  readonly subject: string | undefined

  constructor(problem: CredentialProblem, options: ErrorOptions & { subject?: string | undefined } = {}) {
    super('the credential is not valid', options)
    this.problem = problem
    this.subject = options.subject
  }
}

/** `Authorization` and `X-API-Key` hold different credentials: which one would win is nobody's guess to make. */
export class CredentialsConflictError extends AuthError {
  readonly code = 'AUTH_CREDENTIALS_CONFLICT'

  constructor() {
    super('Authorization and X-API-Key hold different credentials; send one of them')
  }
}

/** It cannot be said now whether a credential is valid: what is known is too old, or an issuer cannot be reached. */
export class AuthUnavailableError extends AuthError {
  readonly code = 'AUTH_UNAVAILABLE'
}

/** The actor may not do this, or would give more rights than it has. */
export class AuthForbiddenError extends AuthError {
  readonly code = 'AUTH_FORBIDDEN'
}

/** The input is not acceptable. Holds every fault, not only the first. */
export class AuthInvalidError extends AuthError {
  readonly code = 'AUTH_INVALID'
  readonly errors: readonly FieldFault[]

  constructor(errors: readonly FieldFault[]) {
    super(errors.map(({ path, message }) => `${path}: ${message}`).join('; '))
    this.errors = errors
  }
}

/** One fault of an input. */
export interface FieldFault {
  /** The field. */
  readonly path: string
  readonly message: string
}

/** There is no user of this name. */
export class UserNotFoundError extends AuthError {
  readonly code = 'AUTH_USER_NOT_FOUND'
  readonly user: string

  constructor(user: string) {
    super(`there is no user ${JSON.stringify(user)}`)
    this.user = user
  }
}

/** The name is taken. */
export class UserExistsError extends AuthError {
  readonly code = 'AUTH_USER_EXISTS'
  readonly user: string

  constructor(user: string) {
    super(`there is a user ${JSON.stringify(user)} already`)
    this.user = user
  }
}

/** After this nobody could administer the gateway. */
export class LastAdminError extends AuthError {
  readonly code = 'AUTH_LAST_ADMIN'
  readonly user: string

  constructor(user: string) {
    super(`${JSON.stringify(user)} is the last active administrator; make another one first`)
    this.user = user
  }
}

/** There is no such key, or it is not the actor's to see. */
export class KeyNotFoundError extends AuthError {
  readonly code = 'AUTH_KEY_NOT_FOUND'
  readonly keyId: string

  constructor(keyId: string) {
    super(`there is no API key ${JSON.stringify(keyId)}`)
    this.keyId = keyId
  }
}

/** Somebody else has changed users or keys meanwhile. `Directory.change` decides again by itself. */
export class IdentityStaleError extends AuthError {
  readonly code = 'AUTH_STALE'

  constructor(expectedVersion: number, version: number) {
    super(`users and keys are at version ${version}, the change was decided on version ${expectedVersion}`)
  }
}

/** User name or password is wrong, the user is disabled, or a refresh token does not hold: never said which. */
export class LoginFailedError extends AuthError {
  readonly code = 'AUTH_LOGIN_FAILED'

  constructor() {
    super('the login is not valid')
  }
}

/** Too many failed logins for this account or from this address. */
export class LoginThrottledError extends AuthError {
  readonly code = 'AUTH_LOGIN_THROTTLED'
  /** Milliseconds until it is worth trying again. */
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super(`too many failed logins; try again in ${Math.ceil(retryAfterMs / 1000)} s`)
    this.retryAfterMs = retryAfterMs
  }
}

/** The password does not meet the policy. */
export class PasswordRefusedError extends AuthError {
  readonly code = 'AUTH_PASSWORD_REFUSED'
  readonly problem: 'too-short' | 'too-long' | 'common' | 'user-name' | 'hash'

  constructor(problem: PasswordRefusedError['problem'], message: string) {
    super(message)
    this.problem = problem
  }
}

/** So many passwords are being hashed that another one would have to wait too long. */
export class PasswordBusyError extends AuthError {
  readonly code = 'AUTH_PASSWORD_BUSY'

  constructor() {
    super('too many passwords are being checked; try again in a moment')
  }
}

/** The database belongs to another master key. */
export class MasterKeyMismatchError extends AuthError {
  readonly code = 'AUTH_MASTER_KEY_MISMATCH'

  constructor(expected: string, actual: string) {
    super(
      `the database belongs to the master key ${expected}, this process has ${actual}; give it the same key as the other nodes, or both keys to rotate`,
    )
  }
}

/** A sealed text cannot be opened: another master key, another place, or it was changed. */
export class SealedError extends AuthError {
  readonly code = 'AUTH_SEALED'
}
