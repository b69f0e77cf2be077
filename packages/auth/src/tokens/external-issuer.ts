import { createHash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { CredentialInvalidError } from '../errors.js'
import type { AuthObserver } from '../events.js'
import { type ClaimRules, rightsOf } from './claim-rights.js'
import type { CompactToken } from './compact.js'
import type { FetchFunction } from './fetch-json.js'
import { JwksCache } from './jwks-cache.js'
import {
  audiencesOf,
  type SignatureAlgorithm,
  type TokenVerifier,
  type VerifiedToken,
  verifySigned,
} from './verifier.js'

const DEFAULT_MAX_LIFETIME_SECONDS = 24 * 3600
const DEFAULT_ALGORITHMS: readonly SignatureAlgorithm[] = ['RS256', 'ES256', 'EdDSA']

/** Options of {@link ExternalIssuer}. */
export interface ExternalIssuerOptions extends ClaimRules {
  /** Compared with `iss` exactly. */
  readonly issuer: string
  /** Where its keys are. @default discovered: OpenID Connect Discovery, OAuth metadata (RFC 8414) */
  readonly jwksUrl?: string | undefined
  /**
   * What `aud` must name: the gateway's public URL first, or one below it. Which of its paths a token holds on is the
   * `Authenticator`'s to say. Not empty.
   */
  readonly audiences: readonly string[]
  /** Other names of the first audience, for issuers that cannot put a URL into `aud`. @default none */
  readonly aliases?: readonly string[] | undefined
  /** @default RS256, ES256, EdDSA */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Values of the header `typ` that are taken. Many issuers need `JWT` here; then the audience alone keeps ID tokens out. @default at+jwt */
  readonly types?: readonly string[] | undefined
  /** The longest life of a token, in seconds. @default 24 h */
  readonly maxLifetimeSeconds?: number | undefined
  /** The claim to show as the name. @default 'sub' */
  readonly nameClaim?: string | undefined
  /** Globs of the templates that its users are narrowed to. @default all */
  readonly templates?: readonly string[] | undefined
  /** Globs of the tools that its users are narrowed to. @default all */
  readonly tools?: readonly string[] | undefined
  readonly fetch: FetchFunction
  /** See `JwksCache`. */
  readonly maxAgeMs?: number | undefined
  readonly maxStaleMs?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
  /** Milliseconds, monotonic, for the age of keys. @default performance.now */
  readonly monotonicNow?: (() => number) | undefined
  readonly onEvent?: AuthObserver | undefined
}

/** Proves access tokens of another issuer by its published keys. */
export class ExternalIssuer implements TokenVerifier {
  readonly issuer: string
  readonly #options: ExternalIssuerOptions
  readonly #keys: JwksCache
  readonly #now: () => number

  constructor(options: ExternalIssuerOptions) {
    if (options.audiences.length === 0) throw new RangeError('auth: audiences must not be empty')
    const { issuer, jwksUrl, fetch, maxAgeMs, maxStaleMs, monotonicNow, onEvent } = options
    const algorithms = options.algorithms ?? DEFAULT_ALGORITHMS
    this.issuer = issuer
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#keys = new JwksCache({ issuer, url: jwksUrl, algorithms, fetch, maxAgeMs, maxStaleMs, monotonicNow, onEvent })
  }

  async verify(token: CompactToken): Promise<VerifiedToken> {
    const { issuer, types = ['at+jwt'], maxLifetimeSeconds = DEFAULT_MAX_LIFETIME_SECONDS } = this.#options
    const key = await this.#keys.find(token.kid)
    const audiences = this.#audiencesFor(token)
    const expected = { issuer, audiences, types, maxLifetimeSeconds, requiredClaims: [], now: this.#now() }
    const claims = await verifySigned(token, key, expected)
    if (isIdToken(claims)) throw new CredentialInvalidError('type')
    return this.#verified(token, claims)
  }

  #verified(token: CompactToken, claims: JWTPayload): VerifiedToken {
    const { sub, exp, jti } = claims
    if (typeof sub !== 'string' || sub === '' || exp === undefined) throw new CredentialInvalidError('claims')
    const principal = Object.freeze({
      id: `issuer:${this.issuer}|${sub}`,
      kind: 'external' as const,
      name: this.#nameOf(claims, sub),
      scopes: rightsOf(claims, this.#options),
      templates: this.#options.templates,
      tools: this.#options.tools,
    })
    const id = externalTokenId(this.issuer, typeof jti === 'string' ? jti : token.text)
    return { kind: 'external', id, principal, expiresAtMs: exp * 1000, audiences: this.#plainAudiences(claims) }
  }

  // What is signed has to name one of these; a path of ours is known by its beginning.
  #audiencesFor({ claims }: CompactToken): readonly string[] {
    const { audiences, aliases = [] } = this.#options
    return [
      ...audiences,
      ...aliases,
      ...audiencesOf(claims).filter((name) => audiences.some((of) => name.startsWith(`${of}/`))),
    ]
  }

  #plainAudiences(claims: JWTPayload): readonly string[] {
    const { audiences, aliases = [] } = this.#options
    const named = audiencesOf(claims)
    return named.some((name) => aliases.includes(name)) ? [...named, ...audiences.slice(0, 1)] : named
  }

  #nameOf(claims: JWTPayload, sub: string): string {
    const { nameClaim } = this.#options
    const name = nameClaim === undefined ? sub : claims[nameClaim]
    return typeof name === 'string' && name !== '' ? name.slice(0, 100) : sub
  }
}

/** What a revocation of another issuer's token names: made of its `jti`, or of the token itself where it has none. */
export function externalTokenId(issuer: string, jti: string): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, jti]))
    .digest('base64url')
}

// What OpenID Connect puts into ID tokens only, and how Keycloak marks them.
function isIdToken(claims: JWTPayload): boolean {
  return ['nonce', 'at_hash', 'c_hash'].some((name) => Object.hasOwn(claims, name)) || claims['typ'] === 'ID'
}
