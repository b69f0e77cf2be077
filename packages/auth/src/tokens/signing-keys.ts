import type { CryptoKey } from 'jose'
import type { AuthObserver } from '../events.js'
import { type KeyTimes, nextSignsFrom, retiredKids, signingKeyAt, verifiesUntil } from './key-schedule.js'
import { importAsymmetric, type PublishedKey, PublishedKeys, type VerificationKeys } from './published-keys.js'
import {
  makeSigningKey,
  type OwnAlgorithm,
  type SigningKeyRecord,
  type SigningKeyStore,
  signingKeyPlace,
  type TextSealer,
} from './signing-key.js'
import type { VerificationKey } from './verifier.js'

const DAY_MS = 24 * 3600 * 1000
const DEFAULT_ROTATE_EVERY_MS = 30 * DAY_MS
const DEFAULT_PUBLISH_LEAD_MS = 3600 * 1000
// 15 minutes of life and 30 seconds of leeway, rounded up.
const DEFAULT_GRACE_MS = 20 * 60 * 1000

/** Options of {@link SigningKeys}. */
export interface SigningKeysOptions {
  readonly store: SigningKeyStore
  /** Encrypts the private keys. */
  readonly sealer: TextSealer
  /** Of new keys. @default 'EdDSA' */
  readonly alg?: OwnAlgorithm | undefined
  /** A key signs for this long, in milliseconds. @default 30 days */
  readonly rotateEveryMs?: number | undefined
  /** A key is published for this long before it signs, in milliseconds. @default 1 h */
  readonly publishLeadMs?: number | undefined
  /** A key verifies for this long after it signed last, in milliseconds; longer than a token lives. @default 20 min */
  readonly graceMs?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
  readonly onEvent?: AuthObserver | undefined
}

/** The key to sign with. */
export interface Signer {
  readonly kid: string
  readonly alg: OwnAlgorithm
  readonly key: CryptoKey
}

/** A public key set, RFC 7517. */
export interface JwksDocument {
  readonly keys: readonly Readonly<Record<string, string>>[]
}

/**
 * The keys that our tokens are signed with: published first, then signing, then verifying only, then gone.
 * Every node derives the same from the same rows and the clock. Call {@link refresh} each minute or so on every node and
 * {@link maintain} on one.
 */
export class SigningKeys implements VerificationKeys {
  readonly #options: SigningKeysOptions
  readonly #times: KeyTimes
  readonly #now: () => number
  readonly #signers = new Map<string, Signer>()
  #records: readonly SigningKeyRecord[] = []
  #published: PublishedKeys | undefined

  constructor(options: SigningKeysOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#times = {
      rotateEveryMs: options.rotateEveryMs ?? DEFAULT_ROTATE_EVERY_MS,
      publishLeadMs: options.publishLeadMs ?? DEFAULT_PUBLISH_LEAD_MS,
      graceMs: options.graceMs ?? DEFAULT_GRACE_MS,
    }
  }

  /** Reads the keys; makes the first one where there is none. */
  async load(): Promise<void> {
    await this.refresh()
    if (this.#records.length === 0) await this.maintain()
  }

  /** Reads what other nodes have changed. */
  async refresh(): Promise<void> {
    this.#records = await this.#options.store.list()
    this.#published = await PublishedKeys.import(this.published(), this.#now)
  }

  /** Publishes the next key when its time comes, and removes those whose last token has expired. Two nodes at once do no harm. */
  async maintain(): Promise<void> {
    await this.refresh()
    await this.#addIfDue()
    const retired = retiredKids(this.#records, this.#now(), this.#times)
    if (retired.length > 0) await this.remove(retired)
    await this.#resealOutdated()
  }

  /** Ends keys now: every token that they have signed is refused from the next refresh on. For a key that leaked. */
  async remove(kids: readonly string[]): Promise<void> {
    await this.#options.store.remove(kids)
    for (const kid of kids) this.#options.onEvent?.({ type: 'signing-key-removed', kid })
    await this.refresh()
  }

  find(kid: string): VerificationKey | undefined {
    return this.#published?.find(kid)
  }

  /** The key to sign with now. @throws Error before {@link load} */
  async signer(): Promise<Signer> {
    const record = signingKeyAt(this.#records, this.#now())
    if (record === undefined) throw new Error('auth: the signing keys are not loaded')
    const known = this.#signers.get(record.kid)
    if (known !== undefined) return known
    const { kid, alg } = record
    const jwk = JSON.parse(this.#options.sealer.open(record.sealedPrivate, signingKeyPlace(kid)))
    const signer = { kid, alg, key: await importAsymmetric(jwk, alg) }
    this.#signers.set(kid, signer)
    return signer
  }

  /** The public keys that count, for processes that only verify. */
  published(): readonly PublishedKey[] {
    return this.#records.map(({ kid, alg, publicJwk }, index) => {
      const until = verifiesUntil(this.#records, index, this.#times)
      return { kid, alg, jwk: publicJwk, verifiesUntilMs: Number.isFinite(until) ? until : null }
    })
  }

  /** What `/.well-known/jwks.json` answers: public members only, keys to come included. */
  jwks(): JwksDocument {
    const now = this.#now()
    const counting = this.#records.filter((_, index) => verifiesUntil(this.#records, index, this.#times) > now)
    return { keys: counting.map(({ kid, alg, publicJwk }) => ({ ...publicJwk, kid, alg, use: 'sig' })) }
  }

  async #addIfDue(): Promise<void> {
    const now = this.#now()
    const signsFrom = nextSignsFrom(this.#records, now, this.#times)
    if (signsFrom === undefined) return
    const { alg = 'EdDSA', sealer, store, onEvent } = this.#options
    const record = await makeSigningKey({ alg, sealer, createdAt: new Date(now), signsFrom: new Date(signsFrom) })
    if (await store.add(record, this.#records.at(-1)?.kid)) onEvent?.({ type: 'signing-key-added', kid: record.kid })
    await this.refresh()
  }

  async #resealOutdated(): Promise<void> {
    const { sealer, store } = this.#options
    if (!canRewrap(sealer)) return
    for (const { kid, sealedPrivate } of this.#records) {
      if (sealer.isOutdated(sealedPrivate)) await store.reseal(kid, sealer.rewrap(sealedPrivate, signingKeyPlace(kid)))
    }
  }
}

interface Rewrapping {
  isOutdated(sealed: string): boolean
  rewrap(sealed: string, aad: string): string
}

function canRewrap(sealer: TextSealer): sealer is TextSealer & Rewrapping {
  return 'isOutdated' in sealer && 'rewrap' in sealer
}
