import { type CryptoKey, errors, type JWTPayload, jwtVerify } from 'jose'
import { CredentialInvalidError, type CredentialProblem } from '../errors.js'
import type { Principal, Scope } from '../principal.js'
import type { CompactToken } from './compact.js'

/** Clocks differ by this much, in seconds. */
export const CLOCK_LEEWAY_SECONDS = 30

/** The algorithms there are. None is symmetric: whoever can check a token must not be able to make one. */
export type SignatureAlgorithm = 'EdDSA' | 'ES256' | 'RS256'

/** A key, and the one algorithm that it is for. */
export interface VerificationKey {
  readonly alg: SignatureAlgorithm
  readonly key: CryptoKey
}

/** A token that was proven. It may still be revoked, or its user disabled: ask the snapshot each time. */
export type VerifiedToken = {
  /** What a revocation names. */
  readonly id: string
  readonly expiresAtMs: number
  readonly audiences: readonly string[]
} & (
  | {
      /** Of our own making: who it is for is in the snapshot. */
      readonly kind: 'own'
      readonly user: string
      readonly epoch: number
      /** The token was narrowed to these; undefined: all rights of the user. */
      readonly scopes: ReadonlySet<Scope> | undefined
    }
  | { readonly kind: 'external'; readonly principal: Principal }
)

/** Proves tokens of one issuer. */
export interface TokenVerifier {
  /** Compared with `iss` exactly. */
  readonly issuer: string
  /** @throws CredentialInvalidError, AuthUnavailableError */
  verify(token: CompactToken): Promise<VerifiedToken>
}

/** What a token must say besides a good signature. */
export interface Expected {
  readonly issuer: string
  readonly audiences: readonly string[]
  /** Values of `typ` that are taken. */
  readonly types: readonly string[]
  readonly maxLifetimeSeconds: number
  readonly requiredClaims: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Checks signature and claims (RFC 8725, RFC 9068). @throws CredentialInvalidError */
export async function verifySigned(
  token: CompactToken,
  { alg, key }: VerificationKey,
  expected: Expected,
): Promise<JWTPayload> {
  if (token.alg !== alg) throw new CredentialInvalidError('signature')
  if (!expected.types.some((type) => type === token.header['typ'])) throw new CredentialInvalidError('type')
  const claims = await proven(token, { alg, key }, expected)
  requireSaneTimes(claims, expected)
  return claims
}

async function proven(token: CompactToken, { alg, key }: VerificationKey, expected: Expected): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token.text, key, {
      algorithms: [alg],
      issuer: expected.issuer,
      audience: [...expected.audiences],
      requiredClaims: [...new Set(['exp', 'iat', 'sub', ...expected.requiredClaims])],
      clockTolerance: CLOCK_LEEWAY_SECONDS,
      currentDate: new Date(expected.now),
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new CredentialInvalidError(problemOf(error), { cause: error })
    throw error
  }
}

function requireSaneTimes({ exp = 0, iat = 0 }: JWTPayload, { maxLifetimeSeconds, now }: Expected): void {
  if (!Number.isFinite(iat) || iat > now / 1000 + CLOCK_LEEWAY_SECONDS)
    throw new CredentialInvalidError('not-yet-valid')
  if (exp - iat > maxLifetimeSeconds) throw new CredentialInvalidError('claims')
}

function problemOf(error: errors.JOSEError): CredentialProblem {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIM_PROBLEMS[error.claim] ?? 'claims'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature'
  return 'malformed'
}

const CLAIM_PROBLEMS: Readonly<Record<string, CredentialProblem>> = {
  iss: 'issuer',
  aud: 'audience',
  nbf: 'not-yet-valid',
}

/** The audiences of a token, which may not be proven yet. */
export function audiencesOf({ aud }: JWTPayload): readonly string[] {
  if (typeof aud === 'string') return [aud]
  return Array.isArray(aud) ? aud.filter((name) => typeof name === 'string') : []
}
