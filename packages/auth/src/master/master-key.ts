import { hkdfSync, randomBytes } from 'node:crypto'

const KEY_BYTES = 32
const HEX = /^[0-9a-fA-F]{64}$/
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/

/** What a key is derived for. A key for one purpose says nothing about those for the others. */
export type KeyPurpose =
  | 'api-key-pepper'
  | 'session-seal'
  | 'snapshot-mac'
  | 'hop-hmac'
  | 'audit-chain'
  | 'field-encryption'
  | 'argument-hash'
  | 'row-signature'

/**
 * The one secret of an installation: 32 bytes, kept outside the database. Everything else is derived from it (HKDF-SHA-256,
 * RFC 5869). Printing it, or making JSON of it, shows its id only.
 */
export class MasterKey {
  /** Names the key without giving it away. */
  readonly id: string
  /** Proves, kept in the database, that two processes have the same key. */
  readonly check: string
  readonly #bytes: Buffer

  /** @param bytes 32 of them, from a good source of chance */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) {
      throw new RangeError(`auth: a master key has ${KEY_BYTES} bytes, got ${bytes.length}`)
    }
    this.#bytes = Buffer.from(bytes)
    this.id = expand(this.#bytes, 'mcp-platform/key-id').subarray(0, 4).toString('hex')
    this.check = expand(this.#bytes, 'mcp-platform/key-check').toString('base64url')
  }

  /** A new one. */
  static generate(): MasterKey {
    return new MasterKey(randomBytes(KEY_BYTES))
  }

  /** Reads 64 hexadecimal digits or base64 (also base64url) of 32 bytes; surrounding white space does not count. @throws RangeError */
  static parse(text: string): MasterKey {
    const trimmed = text.trim()
    if (HEX.test(trimmed)) return new MasterKey(Buffer.from(trimmed, 'hex'))
    if (BASE64.test(trimmed)) return new MasterKey(Buffer.from(trimmed, 'base64'))
    throw new RangeError('auth: a master key is 32 bytes in base64 or 64 hexadecimal digits')
  }

  /** The text to keep in a file of mode 0600: what {@link parse} reads. The one way to get the secret out. */
  export(): string {
    return this.#bytes.toString('base64url')
  }

  /** 32 bytes for one purpose. */
  derive(purpose: KeyPurpose): Buffer {
    return expand(this.#bytes, `mcp-platform/${purpose}/v1`)
  }

  toJSON(): { readonly id: string } {
    return { id: this.id }
  }
}

function expand(key: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), info, KEY_BYTES))
}
