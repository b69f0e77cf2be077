import { compare } from 'bcryptjs'

// What bcrypt looks at. Longer passwords were cut by whoever made the hash; we do not guess how.
const MAX_BCRYPT_BYTES = 72

/** Compares with a bcrypt hash that another product has made. None is ever made here. */
export async function matchesBcrypt(hash: string, password: string): Promise<boolean> {
  if (Buffer.byteLength(password) > MAX_BCRYPT_BYTES || password.includes('\0')) return false
  return compare(password, hash)
}
