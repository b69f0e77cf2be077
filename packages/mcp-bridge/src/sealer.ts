import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const VERSION = 'v1'
const IV_BYTES = 12
const TAG_BYTES = 16
const MAX_SEALED_CHARS = 8 * 1024

/** One AES-256 key with its public name. The first of a ring seals; all of them open. */
export interface SealingKey {
  /** `[A-Za-z0-9_-]{1,16}` */
  readonly kid: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** What is sealed is only ever opened for the same purpose: a session id is no request state. */
export type SealPurpose = 'session' | 'request-state' | 'cursor' | 'task'

/**
 * Turns small facts into text that only holders of the key ring can read or make:
 * `v1.<kid>.<base64url(iv | AES-256-GCM | tag)>`, purpose and kid authenticated along with it (NIST SP 800-38D).
 * Rotation: put the new key first and keep the old one until what it sealed has expired.
 */
export class Sealer {
  readonly #ring: ReadonlyMap<string, Uint8Array>
  readonly #current: SealingKey

  /** @throws RangeError for an empty ring, a bad kid, or a key that is not 32 bytes. */
  constructor(ring: readonly SealingKey[]) {
    const [current] = ring
    if (!current) throw new RangeError('sealer: the key ring is empty')
    for (const { kid, key } of ring) {
      if (!/^[A-Za-z0-9_-]{1,16}$/.test(kid)) throw new RangeError(`sealer: bad kid "${kid}"`)
      if (key.length !== 32) throw new RangeError(`sealer: key "${kid}" must have 32 bytes, has ${key.length}`)
    }
    this.#current = current
    this.#ring = new Map(ring.map(({ kid, key }) => [kid, key]))
  }

  seal(purpose: SealPurpose, facts: object): string {
    const { kid, key } = this.#current
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key, iv)
    cipher.setAAD(aad(purpose, kid))
    const sealed = Buffer.concat([iv, cipher.update(JSON.stringify(facts)), cipher.final(), cipher.getAuthTag()])
    return `${VERSION}.${kid}.${sealed.toString('base64url')}`
  }

  /** The facts, or undefined for anything that this ring did not seal for this purpose: cut, forged, foreign, too long. */
  open(purpose: SealPurpose, text: string): unknown {
    if (text.length > MAX_SEALED_CHARS) return undefined
    const [version, kid, payload, ...rest] = text.split('.')
    const key = kid === undefined ? undefined : this.#ring.get(kid)
    if (version !== VERSION || !key || !kid || !payload || rest.length > 0) return undefined
    const bytes = Buffer.from(payload, 'base64url')
    // base64url decoding is lenient; only the exact text that was handed out may open.
    if (bytes.toString('base64url') !== payload || bytes.length <= IV_BYTES + TAG_BYTES) return undefined
    return decrypt(key, bytes, aad(purpose, kid))
  }
}

function decrypt(key: Uint8Array, bytes: Buffer, additional: Buffer): unknown {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
  decipher.setAAD(additional)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const body = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES))
  try {
    return JSON.parse(Buffer.concat([body, decipher.final()]).toString())
  } catch {
    // final() throws on a wrong tag: forged or sealed with another key. The caller only needs to know that it is not ours.
    return undefined
  }
}

function aad(purpose: SealPurpose, kid: string): Buffer {
  return Buffer.from(`mcp-platform ${purpose} ${kid}`)
}
