import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { bytesToNumber, toBase62 } from '../base62.js'
import type { RandomBytes } from '../keys/key-format.js'

const SHAPE = /^mcpr_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/

/** One refresh token, as it is kept: never the token itself. */
export interface RefreshTokenRecord {
  /** SHA-256 of the token, base64url. It has 256 bits of chance: nothing slower is needed. */
  readonly hash: string
  /** All tokens that came from one login. */
  readonly family: string
  readonly user: string
  /** Of the user when it was made; another one now: it does not hold. */
  readonly epoch: number
  /** Who it was given to; it holds for the same one only. */
  readonly client: string
  readonly createdAt: Date
  /** Of the whole family. */
  readonly expiresAt: Date
  readonly usedAt?: Date | undefined
}

/** What became of a token that somebody wants to exchange. */
export type RefreshExchange = 'exchanged' | 'used' | 'unknown'

/** Keeps refresh tokens. */
export interface RefreshTokenStore {
  insert(record: RefreshTokenRecord): Promise<void>
  find(hash: string): Promise<RefreshTokenRecord | undefined>
  /**
   * Marks a token as used at `at` and inserts its successor, in one transaction. Of several at the same time exactly one gets
   * `exchanged`, the others `used`; then nothing is inserted.
   */
  exchange(hash: string, successor: RefreshTokenRecord, at: Date): Promise<RefreshExchange>
  /** Ends all tokens of one login. */
  revokeFamily(family: string): Promise<void>
  /** Ends all tokens of a user. */
  revokeUser(user: string): Promise<void>
  /** Forgets tokens that expired before `before`. */
  sweep(before: Date): Promise<void>
}

/** A new token: `mcpr_<43 digits of chance><6 of checksum>`. */
export function mintRefreshToken(random: RandomBytes = randomBytes): string {
  const text = `mcpr_${toBase62(bytesToNumber(random(32)), 43)}`
  return text + checksum(text)
}

/** The hash to look up; undefined for what is no refresh token: that never reaches a store. */
export function refreshTokenHash(token: string): string | undefined {
  const check = SHAPE.exec(token)?.[2]
  if (check === undefined || checksum(token.slice(0, -6)) !== check) return undefined
  return createHash('sha256').update(token).digest('base64url')
}

function checksum(text: string): string {
  return toBase62(BigInt(crc32(text)), 6)
}
