import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DerivedKey, DerivedKeys } from '../master/master-key-ring.js'
import type { KeySecret } from './api-key.js'

/** A stored secret that a caller's secret is compared with. */
export type StoredSecret = Pick<KeySecret, 'hash' | 'pepper'>

/**
 * Hashes the secrets of API keys: HMAC-SHA-256 with a pepper that is not in the database.
 * A slow hash would add nothing to 256 bits of chance, and would be a lever for whoever wants to stop us.
 */
export class KeyHasher {
  readonly #current: DerivedKey
  readonly #peppers: ReadonlyMap<string, Buffer>
  readonly #dummy: Buffer

  /** @param peppers `ring.derive('api-key-pepper')` */
  constructor(peppers: DerivedKeys) {
    this.#current = peppers.current
    this.#peppers = new Map(peppers.all.map(({ id, key }) => [id, key]))
    this.#dummy = Buffer.alloc(32)
  }

  /** The hash to keep. */
  hash(secret: string): StoredSecret {
    return { hash: digest(this.#current.key, secret).toString('base64url'), pepper: this.#current.id }
  }

  /** Compares in constant time. False as well when the pepper is no longer known. */
  matches(secret: string, stored: StoredSecret): boolean {
    const pepper = this.#peppers.get(stored.pepper)
    const expected = Buffer.from(stored.hash, 'base64url')
    if (pepper === undefined || expected.length !== this.#dummy.length) return this.matchNothing(secret)
    return timingSafeEqual(digest(pepper, secret), expected)
  }

  /** Takes as long as {@link matches}: for keys that do not exist. Always false. */
  matchNothing(secret: string): false {
    timingSafeEqual(digest(this.#current.key, secret), this.#dummy)
    return false
  }

  /** True if it was hashed under an older pepper and should be hashed again while the secret is at hand. */
  isOutdated(stored: StoredSecret): boolean {
    return stored.pepper !== this.#current.id
  }
}

function digest(key: Buffer, secret: string): Buffer {
  return createHmac('sha256', key).update(secret).digest()
}
