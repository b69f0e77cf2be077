import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { bytesToNumber, toBase62 } from '../base62.js'

const ID_LENGTH = 12
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6
// The largest power of two that 12 digits of base 62 hold: every id is equally likely.
const ID_BITS = 71n

/** What every API key begins with. */
export const API_KEY_PREFIX = 'mcpp_'

/** Finds API keys in a text: for secret scanners and log redaction. Underscores, so that a double click selects a whole key. */
export const API_KEY_PATTERN: RegExp = /\bmcpp_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b/

const WHOLE_KEY = /^mcpp_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

/** The parts of an API key. */
export interface ApiKeyParts {
  readonly id: string
  /** 256 bits of chance, in base 62. */
  readonly secret: string
}

/** Gives random bytes. */
export type RandomBytes = (size: number) => Uint8Array

/** A new id. */
export function mintKeyId(random: RandomBytes = randomBytes): string {
  return toBase62(bytesToNumber(random(9)) & ((1n << ID_BITS) - 1n), ID_LENGTH)
}

/** A new secret of 256 bits. */
export function mintSecret(random: RandomBytes = randomBytes): string {
  return toBase62(bytesToNumber(random(32)), SECRET_LENGTH)
}

/** The key as it is shown, once, to its owner: `mcpp_<id>_<secret><checksum>`. */
export function formatApiKey({ id, secret }: ApiKeyParts): string {
  const text = `${API_KEY_PREFIX}${id}_${secret}`
  return text + checksum(text)
}

/**
 * The parts of a key; undefined if it is not one or was mistyped. Needs no store: garbage never reaches one.
 * Linear and bounded by the length of a key.
 */
export function parseApiKey(text: string): ApiKeyParts | undefined {
  const match = WHOLE_KEY.exec(text)
  const [, id, secret, check] = match ?? []
  if (id === undefined || secret === undefined) return undefined
  return checksum(text.slice(0, -CHECKSUM_LENGTH)) === check ? { id, secret } : undefined
}

function checksum(text: string): string {
  return toBase62(BigInt(crc32(text)), CHECKSUM_LENGTH)
}
