import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** Algorithms for tokens of our own. */
export type OwnAlgorithm = 'EdDSA' | 'ES256'

/** A key pair for signing tokens, as it is kept. */
export interface SigningKeyRecord {
  readonly kid: string
  readonly alg: OwnAlgorithm
  /** Public JWK members. */
  readonly publicJwk: Readonly<Record<string, string>>
  /** The private JWK, sealed. */
  readonly sealedPrivate: string
  readonly createdAt: Date
  /** Published before, signs from here on until the next key's time has come. */
  readonly signsFrom: Date
}

/** Keeps signing keys. */
export interface SigningKeyStore {
  /** All, the one that signs last at the end. */
  list(): Promise<readonly SigningKeyRecord[]>
  /**
   * Adds a key that comes after `after` (kid of the newest one, undefined for none).
   * False if another node has added one meanwhile; nothing is written then.
   */
  add(record: SigningKeyRecord, after: string | undefined): Promise<boolean>
  /** Replaces the sealed private part of a key, after the master key changed. */
  reseal(kid: string, sealedPrivate: string): Promise<void>
  remove(kids: readonly string[]): Promise<void>
}

/** Encrypts a secret for one place: `FieldSealer` is one. */
export interface TextSealer {
  seal(plain: string, aad: string): string
  open(sealed: string, aad: string): string
}

/** What our own keys are called. */
export const KID: RegExp = /^[A-Za-z0-9_-]{1,64}$/

/** Makes a key pair. The private part leaves this function sealed only. */
export async function makeSigningKey(options: {
  readonly alg: OwnAlgorithm
  readonly createdAt: Date
  readonly signsFrom: Date
  readonly sealer: TextSealer
}): Promise<SigningKeyRecord> {
  const { alg, createdAt, signsFrom, sealer } = options
  const kid = randomBytes(12).toString('base64url')
  const crv = alg === 'EdDSA' ? { crv: 'Ed25519' } : {}
  const pair = await generateKeyPair(alg, { ...crv, extractable: true })
  const privateJwk = await exportJWK(pair.privateKey)
  const publicJwk = textMembers(await exportJWK(pair.publicKey))
  const sealedPrivate = sealer.seal(JSON.stringify(privateJwk), signingKeyPlace(kid))
  return { kid, alg, publicJwk, sealedPrivate, createdAt, signsFrom }
}

/** Where the private part of a key lies; it cannot be opened elsewhere. */
export function signingKeyPlace(kid: string): string {
  return `signing_keys|${kid}|private`
}

function textMembers(jwk: JWK): Record<string, string> {
  const members: Record<string, string> = {}
  for (const [name, value] of Object.entries(jwk)) if (typeof value === 'string') members[name] = value
  return members
}
