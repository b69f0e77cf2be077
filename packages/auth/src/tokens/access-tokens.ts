import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { CredentialInvalidError } from '../errors.js'
import { isScope } from '../identity/validation.js'
import type { Role, Scope } from '../principal.js'
import type { CompactToken } from './compact.js'
import type { VerificationKeys } from './published-keys.js'
import type { Signer } from './signing-keys.js'
import { audiencesOf, type TokenVerifier, type VerifiedToken, verifySigned } from './verifier.js'

const TYPE = 'at+jwt'
/** Life of our own access tokens, in seconds; the longest there may be. */
export const ACCESS_TOKEN_SECONDS = 900

/** Who makes our tokens and for whom: the public URL of the gateway, usually both. */
export interface TokenParties {
  readonly issuer: string
  readonly audience: string
}

/** Options of {@link AccessTokenIssuer}. */
export interface AccessTokenIssuerOptions extends TokenParties {
  /** `SigningKeys`. */
  readonly keys: { signer(): Promise<Signer> }
  /** 1 to 900 seconds. @default 900 */
  readonly lifetimeSeconds?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** What a token is made for. */
export interface TokenSubject {
  readonly user: string
  readonly epoch: number
  readonly role: Role
  /** Narrows the token. @default all rights of the user */
  readonly scopes?: readonly Scope[] | undefined
}

/** A token and what is needed to revoke it. */
export interface IssuedToken {
  readonly token: string
  readonly id: string
  readonly expiresAt: Date
  readonly lifetimeSeconds: number
}

/** Signs access tokens (RFC 9068: `typ at+jwt`). */
export class AccessTokenIssuer {
  readonly #options: AccessTokenIssuerOptions
  readonly #lifetimeSeconds: number
  readonly #now: () => number

  constructor(options: AccessTokenIssuerOptions) {
    const { lifetimeSeconds = ACCESS_TOKEN_SECONDS } = options
    if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > ACCESS_TOKEN_SECONDS) {
      throw new RangeError(
        `auth: lifetimeSeconds must be an integer from 1 to ${ACCESS_TOKEN_SECONDS}, got ${lifetimeSeconds}`,
      )
    }
    this.#options = options
    this.#lifetimeSeconds = lifetimeSeconds
    this.#now = options.now ?? Date.now
  }

  async issue(subject: TokenSubject): Promise<IssuedToken> {
    const { keys, issuer, audience } = this.#options
    const { kid, alg, key } = await keys.signer()
    const id = randomBytes(16).toString('base64url')
    const issuedAt = Math.floor(this.#now() / 1000)
    const expiresAt = issuedAt + this.#lifetimeSeconds
    const scope = subject.scopes === undefined ? {} : { scope: subject.scopes.join(' ') }
    const token = await new SignJWT({ epoch: subject.epoch, role: subject.role, ...scope })
      .setProtectedHeader({ alg, kid, typ: TYPE })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject.user)
      .setJti(id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(key)
    return { token, id, expiresAt: new Date(expiresAt * 1000), lifetimeSeconds: this.#lifetimeSeconds }
  }
}

/** Options of {@link AccessTokenVerifier}. */
export interface AccessTokenVerifierOptions extends TokenParties {
  /** `SigningKeys` or `PublishedKeys`; a function where they are replaced from time to time. */
  readonly keys: VerificationKeys | (() => VerificationKeys)
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** Proves tokens that {@link AccessTokenIssuer} has signed. */
export class AccessTokenVerifier implements TokenVerifier {
  readonly issuer: string
  readonly #options: AccessTokenVerifierOptions
  readonly #now: () => number

  constructor(options: AccessTokenVerifierOptions) {
    this.issuer = options.issuer
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  async verify(token: CompactToken): Promise<VerifiedToken> {
    const { keys, issuer, audience } = this.#options
    const key = (typeof keys === 'function' ? keys() : keys).find(token.kid)
    if (key === undefined) throw new CredentialInvalidError('unknown')
    const claims = await verifySigned(token, key, {
      issuer,
      audiences: [audience],
      types: [TYPE],
      maxLifetimeSeconds: ACCESS_TOKEN_SECONDS,
      requiredClaims: ['jti', 'epoch'],
      now: this.#now(),
    })
    const { sub, jti, exp, epoch, scope } = claims
    if (typeof sub !== 'string' || typeof jti !== 'string' || exp === undefined || typeof epoch !== 'number') {
      throw new CredentialInvalidError('claims')
    }
    const scopes = typeof scope === 'string' ? scopesOf(scope) : undefined
    const audiences = audiencesOf(claims)
    return { kind: 'own', id: jti, user: sub, epoch, scopes, expiresAtMs: exp * 1000, audiences }
  }
}

/** The scopes of ours in a space-separated list. */
export function scopesOf(list: string): ReadonlySet<Scope> {
  return new Set(list.split(' ').filter(isScope))
}
