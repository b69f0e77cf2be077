import type { JWK } from 'jose'
import { AuthUnavailableError, CredentialInvalidError } from '../errors.js'
import type { AuthObserver } from '../events.js'
import { isObject } from '../json-object.js'
import { RateLimiter } from '../limits/gcra.js'
import { discoverKeySetUrl } from './discovery.js'
import { type FetchFunction, fetchJson } from './fetch-json.js'
import { importAsymmetric } from './published-keys.js'
import type { SignatureAlgorithm, VerificationKey } from './verifier.js'

const DEFAULT_MAX_AGE_MS = 10 * 60 * 1000
const DEFAULT_MAX_STALE_MS = 60 * 60 * 1000
// One in 30 s, and one more after a pause: keys may change right after they were read for the first time.
const READS = { limit: 2, periodMs: 60_000 }
const MAX_KEYS = 100

/** Options of {@link JwksCache}. */
export interface JwksCacheOptions {
  readonly issuer: string
  /** Absent: discovered from the issuer. */
  readonly url?: string | undefined
  /** Which algorithms keys may be for. */
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly fetch: FetchFunction
  /** Keys are read again after this time, in milliseconds. @default 10 min */
  readonly maxAgeMs?: number | undefined
  /** While the issuer cannot be reached its keys count for this long, in milliseconds. @default 1 h */
  readonly maxStaleMs?: number | undefined
  /** Milliseconds, monotonic. @default performance.now */
  readonly monotonicNow?: (() => number) | undefined
  readonly onEvent?: AuthObserver | undefined
}

/**
 * The public keys of another issuer. Read when needed: at first use, when old, and for an unknown key id; at most twice in
 * a minute, so that made-up ids cost the issuer nothing. One at a time, 5 s, 256 KiB.
 */
export class JwksCache {
  readonly #options: JwksCacheOptions
  readonly #now: () => number
  #keys: ReadonlyMap<string, VerificationKey> = new Map()
  #loadedAt = Number.NEGATIVE_INFINITY
  readonly #reads: RateLimiter
  #loading: Promise<void> | undefined

  constructor(options: JwksCacheOptions) {
    this.#options = options
    this.#now = options.monotonicNow ?? (() => performance.now())
    this.#reads = new RateLimiter({ ...READS, now: this.#now })
  }

  /** @throws CredentialInvalidError for a key that the issuer does not have, AuthUnavailableError */
  async find(kid: string): Promise<VerificationKey> {
    const { maxAgeMs = DEFAULT_MAX_AGE_MS, maxStaleMs = DEFAULT_MAX_STALE_MS } = this.#options
    if (this.#ageMs() > maxAgeMs || !this.#keys.has(kid)) await this.#loadUnlessOftenTried()
    if (this.#ageMs() > maxStaleMs) throw new AuthUnavailableError(`the keys of ${this.#options.issuer} cannot be read`)
    const key = this.#keys.get(kid)
    if (key === undefined) throw new CredentialInvalidError('unknown')
    return key
  }

  #ageMs(): number {
    return this.#now() - this.#loadedAt
  }

  /** Failures are told to the observer; whether what we have still counts is decided by its age. */
  async #loadUnlessOftenTried(): Promise<void> {
    if (this.#loading === undefined) {
      if (!this.#reads.take('').allowed) return
      this.#loading = this.#load().finally(() => {
        this.#loading = undefined
      })
    }
    await this.#loading
  }

  async #load(): Promise<void> {
    const { issuer, onEvent } = this.#options
    try {
      this.#keys = await this.#fetchKeys()
      this.#loadedAt = this.#now()
      onEvent?.({ type: 'issuer-keys-loaded', issuer, keys: this.#keys.size })
    } catch (error) {
      onEvent?.({ type: 'issuer-keys-failed', issuer, error })
    }
  }

  async #fetchKeys(): Promise<ReadonlyMap<string, VerificationKey>> {
    const { issuer, url, fetch, algorithms } = this.#options
    return importKeys(await fetchJson(fetch, url ?? (await discoverKeySetUrl(issuer, fetch))), algorithms)
  }
}

async function importKeys(
  document: unknown,
  algorithms: readonly SignatureAlgorithm[],
): Promise<ReadonlyMap<string, VerificationKey>> {
  const list = isObject(document) ? document['keys'] : undefined
  if (!Array.isArray(list) || list.length > MAX_KEYS) throw new AuthUnavailableError('the answer is no key set')
  const keys = new Map<string, VerificationKey>()
  for (const jwk of list) {
    const usable = usableKey(jwk, algorithms)
    if (usable === undefined) continue
    keys.set(usable.kid, { alg: usable.alg, key: await importAsymmetric(usable.jwk, usable.alg) })
  }
  return keys
}

/** A signature key of an algorithm that we take; others in the set are none of our business. */
function usableKey(
  jwk: unknown,
  algorithms: readonly SignatureAlgorithm[],
): { kid: string; alg: SignatureAlgorithm; jwk: JWK } | undefined {
  if (!isObject(jwk) || typeof jwk['kid'] !== 'string' || (jwk['use'] ?? 'sig') !== 'sig') return undefined
  const alg = algorithmOf(jwk)
  if (alg === undefined || !algorithms.includes(alg) || (jwk['alg'] ?? alg) !== alg) return undefined
  const { kty, crv, n, e, x, y, kid } = jwk
  const members = Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => typeof value === 'string')
  return { kid, alg, jwk: Object.fromEntries(members) as JWK }
}

/** One algorithm per key: from the key's type, never from the token. */
function algorithmOf({ kty, crv }: Readonly<Record<string, unknown>>): SignatureAlgorithm | undefined {
  if (kty === 'RSA') return 'RS256'
  if (kty === 'EC' && crv === 'P-256') return 'ES256'
  return kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : undefined
}
