import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DerivedKeys } from './master-key-ring.js'

/** Says that a text comes from a process with our master key: snapshots on disk, hops between nodes, arguments in audit. */
export class Mac {
  readonly #keys: DerivedKeys

  constructor(keys: DerivedKeys) {
    this.#keys = keys
  }

  /** `<master key id>.<HMAC-SHA-256>` */
  sign(text: string): string {
    const { id, key } = this.#keys.current
    return `${id}.${digest(key, text).toString('base64url')}`
  }

  /** Compares in constant time. */
  verify(text: string, signature: string): boolean {
    const [id, mac = ''] = signature.split('.')
    const known = this.#keys.all.find((key) => key.id === id)
    const given = Buffer.from(mac, 'base64url')
    if (known === undefined || given.length !== 32) return false
    return timingSafeEqual(digest(known.key, text), given)
  }

  /** True for a signature of an older master key: sign again while that is still known. */
  isOutdated(signature: string): boolean {
    return !signature.startsWith(`${this.#keys.current.id}.`)
  }
}

function digest(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}
