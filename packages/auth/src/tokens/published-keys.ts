import { type CryptoKey, importJWK, type JWK } from 'jose'
import { KID, type OwnAlgorithm } from './signing-key.js'
import type { VerificationKey } from './verifier.js'

/** A public key and how long it counts: JSON, for processes that verify and do not sign. */
export interface PublishedKey {
  readonly kid: string
  readonly alg: OwnAlgorithm
  readonly jwk: Readonly<Record<string, string>>
  /** Milliseconds since 1970; null: no end is set. */
  readonly verifiesUntilMs: number | null
}

/** Finds the key for a token. */
export interface VerificationKeys {
  find(kid: string): VerificationKey | undefined
}

/** Our public keys, imported; an in-memory map is the only place where a `kid` is looked up. */
export class PublishedKeys implements VerificationKeys {
  readonly #keys: ReadonlyMap<string, VerificationKey & { readonly untilMs: number }>
  readonly #now: () => number

  private constructor(keys: ReadonlyMap<string, VerificationKey & { readonly untilMs: number }>, now: () => number) {
    this.#keys = keys
    this.#now = now
  }

  static async import(keys: readonly PublishedKey[], now: () => number = Date.now): Promise<PublishedKeys> {
    const imported = await Promise.all(keys.map(importKey))
    return new PublishedKeys(new Map(imported), now)
  }

  find(kid: string): VerificationKey | undefined {
    const known = KID.test(kid) ? this.#keys.get(kid) : undefined
    return known !== undefined && this.#now() < known.untilMs ? known : undefined
  }
}

async function importKey(
  published: PublishedKey,
): Promise<readonly [string, VerificationKey & { readonly untilMs: number }]> {
  const { kid, alg, jwk, verifiesUntilMs } = published
  const key = await importAsymmetric({ ...jwk }, alg)
  return [kid, { alg, key, untilMs: verifiesUntilMs ?? Number.POSITIVE_INFINITY }]
}

/** Imports a JWK that holds half of a key pair. @throws TypeError for a shared secret */
export async function importAsymmetric(jwk: JWK, alg: string): Promise<CryptoKey> {
  const key = await importJWK(jwk, alg)
  if (key instanceof Uint8Array) throw new TypeError('auth: a shared secret is no signing key')
  return key
}
