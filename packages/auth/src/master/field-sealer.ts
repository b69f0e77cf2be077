import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { SealedError } from '../errors.js'
import type { MasterKeyRing } from './master-key-ring.js'

const VERSION = 'v1'
const IV_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32

/** Names the place of a secret, so that it cannot be moved to another one. */
export function fieldPlace(table: string, id: string, field: string): string {
  return [table, id, field].map(encodeURIComponent).join('|')
}

/**
 * Encrypts secrets for the database: AES-256-GCM under a key of its own per text, which is wrapped by a key derived from
 * the master key. Both are bound to `aad`, the place. A changed master key therefore means wrapping 32 bytes anew, not
 * encrypting everything. The text is `v1.<master key id>.<wrapped key>.<body>`.
 */
export class FieldSealer {
  readonly #current: string
  readonly #keys: ReadonlyMap<string, Buffer>

  constructor(ring: MasterKeyRing) {
    const { current, all } = ring.derive('field-encryption')
    this.#current = current.id
    this.#keys = new Map(all.map(({ id, key }) => [id, key]))
  }

  seal(plain: string, aad: string): string {
    const dataKey = randomBytes(KEY_BYTES)
    return this.#join(dataKey, encrypt(dataKey, Buffer.from(plain, 'utf8'), `body|${aad}`), aad)
  }

  /** @throws SealedError when it was changed, is of another place, or of a master key that is not known */
  open(sealed: string, aad: string): string {
    const { masterId, wrapped, body } = split(sealed)
    const dataKey = this.#unwrap(masterId, wrapped, aad)
    return decrypt(dataKey, body, `body|${aad}`).toString('utf8')
  }

  /** True if it hangs on an older master key: {@link rewrap} it while that is still readable. */
  isOutdated(sealed: string): boolean {
    return split(sealed).masterId !== this.#current
  }

  /** The same secret under the current master key; what is encrypted stays as it is. @throws SealedError */
  rewrap(sealed: string, aad: string): string {
    const { masterId, wrapped, body } = split(sealed)
    return this.#join(this.#unwrap(masterId, wrapped, aad), body, aad)
  }

  #join(dataKey: Buffer, body: Buffer, aad: string): string {
    const wrapped = encrypt(this.#keyOf(this.#current), dataKey, `key|${aad}`)
    return [VERSION, this.#current, wrapped.toString('base64url'), body.toString('base64url')].join('.')
  }

  #unwrap(masterId: string, wrapped: Buffer, aad: string): Buffer {
    return decrypt(this.#keyOf(masterId), wrapped, `key|${aad}`)
  }

  #keyOf(masterId: string): Buffer {
    const key = this.#keys.get(masterId)
    if (key === undefined) throw new SealedError(`it is sealed with the master key ${masterId}, which is not at hand`)
    return key
  }
}

function split(sealed: string): { masterId: string; wrapped: Buffer; body: Buffer } {
  const [version, masterId, wrapped, body, ...rest] = sealed.split('.')
  if (version !== VERSION || masterId === undefined || wrapped === undefined || body === undefined || rest.length > 0) {
    throw new SealedError('it is not a sealed text')
  }
  return { masterId, wrapped: Buffer.from(wrapped, 'base64url'), body: Buffer.from(body, 'base64url') }
}

function encrypt(key: Buffer, plain: Buffer, aad: string): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(aad, 'utf8'))
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Buffer, sealed: Buffer, aad: string): Buffer {
  if (sealed.length < IV_BYTES + TAG_BYTES) throw new SealedError('it is not a sealed text')
  const iv = sealed.subarray(0, IV_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(aad, 'utf8')).setAuthTag(sealed.subarray(-TAG_BYTES))
  const plain = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch (error) {
    throw new SealedError('it was changed, or belongs to another place or key', { cause: error })
  }
}
