import type { SigningKeyRecord } from './signing-key.js'

/** When keys change, in milliseconds. */
export interface KeyTimes {
  /** A key signs for this long. */
  readonly rotateEveryMs: number
  /** A key is published for this long before it signs: longer than anybody keeps our JWKS. */
  readonly publishLeadMs: number
  /** The longest life of a token, with leeway: a key verifies for this long after it signed last. */
  readonly graceMs: number
}

/** The key that signs now; before the first one's time, the first one. */
export function signingKeyAt(keys: readonly SigningKeyRecord[], now: number): SigningKeyRecord | undefined {
  return keys.findLast((key) => key.signsFrom.getTime() <= now) ?? keys[0]
}

/** Until when a key verifies, in milliseconds since 1970; no end while no other key has taken over. */
export function verifiesUntil(keys: readonly SigningKeyRecord[], index: number, { graceMs }: KeyTimes): number {
  const next = keys[index + 1]
  return next === undefined ? Number.POSITIVE_INFINITY : next.signsFrom.getTime() + graceMs
}

/** When the next key should begin to sign, if it is time to publish it. */
export function nextSignsFrom(keys: readonly SigningKeyRecord[], now: number, times: KeyTimes): number | undefined {
  const newest = keys.at(-1)
  if (newest === undefined) return now
  const due = newest.signsFrom.getTime() + times.rotateEveryMs
  return now >= due - times.publishLeadMs ? Math.max(due, now + times.publishLeadMs) : undefined
}

/** Kids of keys whose last token has expired. */
export function retiredKids(keys: readonly SigningKeyRecord[], now: number, times: KeyTimes): string[] {
  return keys.filter((_, index) => verifiesUntil(keys, index, times) <= now).map((key) => key.kid)
}
