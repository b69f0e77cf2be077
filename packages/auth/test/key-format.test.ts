import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { API_KEY_PATTERN, formatApiKey, mintKeyId, mintSecret, parseApiKey } from '../src/index.js'

const parts = { id: 'abcDEF012345', secret: 'x'.repeat(43) }
const KEY = formatApiKey(parts)

describe('an API key', () => {
  it('has a prefix, an id, a secret and a checksum, and is found by the published pattern', () => {
    expect(KEY).toMatch(/^mcpp_abcDEF012345_x{43}[0-9A-Za-z]{6}$/)
    expect(parseApiKey(KEY)).toEqual(parts)
    expect(`token=${KEY}, and more`).toMatch(API_KEY_PATTERN)
  })

  it('is the same for the same chance, in full length also for small numbers', () => {
    const zeros = (size: number) => new Uint8Array(size)
    const ones = (size: number) => new Uint8Array(size).fill(255)
    expect([mintKeyId(zeros), mintSecret(zeros)]).toEqual(['0'.repeat(12), '0'.repeat(43)])
    expect(mintKeyId(ones)).toHaveLength(12)
    expect(mintSecret(ones)).toMatch(/^[1-9A-Za-z][0-9A-Za-z]{42}$/)
    expect(mintSecret()).not.toBe(mintSecret())
  })

  it.each([
    ['nothing', ''],
    ['another prefix', KEY.replace('mcpp_', 'ghp_')],
    ['upper case prefix', KEY.replace('mcpp_', 'MCPP_')],
    ['a wrong checksum', `${KEY.slice(0, -1)}${KEY.endsWith('0') ? '1' : '0'}`],
    ['a missing character', KEY.slice(0, -1)],
    ['one more character', `${KEY}0`],
    ['a newline at the end', `${KEY}\n`],
    ['a NUL', `${KEY}\0`],
    ['white space', ` ${KEY}`],
    ['two keys', KEY + KEY],
    ['SQL', "mcpp_' OR 1=1 --_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
    ['other digits', KEY.replace('012345', '٠١٢٣٤٥')],
    ['a megabyte', 'mcpp_'.padEnd(1_000_000, 'x')],
  ])('is refused by its shape alone: %s', (_, text) => {
    expect(parseApiKey(text)).toBeUndefined()
  })

  it('is refused when any one character is another one', () => {
    const digit = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_')
    fc.assert(
      fc.property(fc.nat({ max: KEY.length - 1 }), digit, (at, other) => {
        const changed = KEY.slice(0, at) + other + KEY.slice(at + 1)
        expect(parseApiKey(changed)).toEqual(changed === KEY ? parts : undefined)
      }),
    )
  })

  it('comes back from whatever was minted, and no other text parses', () => {
    const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
    fc.assert(
      fc.property(bytes(9), bytes(32), (forId, forSecret) => {
        const minted = { id: mintKeyId(() => forId), secret: mintSecret(() => forSecret) }
        expect(parseApiKey(formatApiKey(minted))).toEqual(minted)
      }),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `mcpp_${text}`),
        ),
        (text) => parseApiKey(text) === undefined,
      ),
    )
  })
})
