import type { BoundedCache } from '../bounded-cache.js'
import { CredentialInvalidError } from '../errors.js'
import { parseApiKey } from '../keys/key-format.js'
import type { KeyHasher } from '../keys/key-hasher.js'
import type { KeyUse } from '../keys/key-use.js'
import type { Principal } from '../principal.js'
import type { AuthSnapshot, KeyFacts, SecretFacts } from './snapshot.js'

/** A credential at a door. */
export interface Knock {
  readonly credential: string
  /** SHA-256 of the credential. */
  readonly digest: string
  readonly snapshot: AuthSnapshot
  readonly address: string | undefined
  readonly resource: string | undefined
}

/** A secret that was compared and found right. Good as long as the snapshot has the same key facts. */
interface ProvenKey {
  readonly id: string
  readonly facts: KeyFacts
  readonly secret: SecretFacts
}

interface KeyDoorOptions {
  readonly hasher: KeyHasher
  readonly use: KeyUse | undefined
  readonly now: () => number
  readonly cache: BoundedCache<ProvenKey>
}

/** Takes API keys. Always synchronous. */
export class KeyDoor {
  readonly #options: KeyDoorOptions

  constructor(options: KeyDoorOptions) {
    this.#options = options
  }

  /** @throws CredentialInvalidError */
  open(knock: Knock): Principal {
    const proven = this.#remembered(knock) ?? this.#prove(knock)
    this.#requireUsable(proven, knock.address)
    this.#options.use?.note(proven.id, this.#options.now())
    return proven.facts.principal
  }

  #remembered({ digest, snapshot }: Knock): ProvenKey | undefined {
    const proven = this.#options.cache.get(digest)
    return proven !== undefined && snapshot.key(proven.id) === proven.facts ? proven : undefined
  }

  #prove({ credential, digest, snapshot }: Knock): ProvenKey {
    const { hasher, cache } = this.#options
    const parts = parseApiKey(credential)
    if (parts === undefined) throw new CredentialInvalidError('malformed')
    const { id, secret } = parts
    const facts = snapshot.key(id)
    const subject = `key:${id}`
    if (facts === undefined) {
      hasher.matchNothing(secret)
      throw new CredentialInvalidError('unknown', { subject })
    }
    const match = facts.secrets.find((stored) => hasher.matches(secret, stored))
    if (match === undefined) throw new CredentialInvalidError('unknown', { subject })
    if (hasher.isOutdated(match)) {
      this.#options.use?.noteRehash(id, { from: match.hash, to: hasher.hash(secret) })
    }
    const proven = { id, facts, secret: match }
    cache.set(digest, proven)
    return proven
  }

  #requireUsable({ id, facts, secret }: ProvenKey, address: string | undefined): void {
    const subject = `key:${id}`
    const now = this.#options.now()
    if (facts.ended !== undefined) throw new CredentialInvalidError(facts.ended, { subject })
    if (facts.expiresAtMs <= now || (secret.expiresAtMs ?? Number.POSITIVE_INFINITY) <= now) {
      throw new CredentialInvalidError('expired', { subject })
    }
    if (facts.from?.has(address) === false) throw new CredentialInvalidError('address', { subject })
  }
}
