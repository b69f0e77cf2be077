import { describe, expect, it } from '@jest/globals'
import argon2 from 'argon2'
import { hash as bcryptHash } from 'bcryptjs'
import { Slots } from '../src/passwords/slots.js'
import { Argon2Passwords, checkPassword, commonPasswords, MIN_ARGON2 } from '../src/passwords.js'
import { failureOf, PASSWORD } from './support/world.js'

describe('a password', () => {
  it.each([
    ['eleven char', 'too-short'],
    ['𝒶𝒷𝒸𝒹𝑒𝒻𝑔𝒽𝒾𝒿𝓀', 'too-short'],
    ['x'.repeat(1_025), 'too-long'],
    ['passwordpassword', 'common'],
    ['PasswordPassword', 'common'],
    ['Password1234!', 'common'],
    ['!!P@ssw0rd2026!!', 'common'],
    ['Correcthorsebatterystaple', 'common'],
    ['qwertyuiopasdfghjkl', 'common'],
    ['aaaaaaaaaaaaaaaa', 'common'],
    ['abcabcabcabcabc', 'common'],
    ['dragondragondragon', 'common'],
    ['abcdefghijklmnop', 'common'],
    ['345678901234', 'common'],
    ['987654321098', 'common'],
    ['anna.example2026', 'user-name'],
  ])('%j is refused: %s', async (password, problem) => {
    expect(await failureOf(() => checkPassword(password, 'anna.example'))).toMatchObject({
      code: 'AUTH_PASSWORD_REFUSED',
      problem,
    })
  })

  it.each([
    ['leavemealone', 'as it stands'],
    ['LeaveMeAlone', 'in other letters'],
    ['zanzibar2026', 'with a year behind it'],
    ['!!zanzibar!!', 'with signs around it'],
    ['z4nz1b4r2026', 'disguised'],
    ['zanzibarzanzibar', 'said again'],
    ['zanzibarzanzibar1', 'said again, with a sign'],
  ])('%j is refused by a longer list: %s', async (password) => {
    const more = new Set(['leavemealone', 'zanzibar', 'cat'])
    expect(await failureOf(() => checkPassword(password, 'anna', more))).toMatchObject({ problem: 'common' })
    expect(() => checkPassword('zanzibar was too hot', 'anna', more)).not.toThrow()
    expect(() => checkPassword('83749201847362cat', 'anna', more)).not.toThrow()
    const passwords = new Argon2Passwords({ common: () => more })
    expect(() => passwords.check(password, 'anna')).toThrow()
    expect(() => new Argon2Passwords().check('zanzibar2026', 'anna')).not.toThrow()
  })

  it.each([
    PASSWORD,
    'no composition rules',
    'тихий омут и черти',
    '             x',
    'x7'.padEnd(1_024, 'ab!c'),
    'dragons eat knights',
    '🦊🦊🦊🦊🦊🦊🐢🦊🦊🦊🦊🦊',
  ])('%j is taken', (password) => {
    expect(() => checkPassword(password, 'anna')).not.toThrow()
  })

  it('of the list is in lower case, or it would never be found', () => {
    expect(commonPasswords.size).toBeGreaterThan(1_000)
    for (const word of commonPasswords) expect(word).toBe(word.toLowerCase())
  })
})

describe('argon2id', () => {
  const passwords = new Argon2Passwords()

  it('makes hashes of at least the minimum, different each time, and compares exactly', async () => {
    const [first, second] = await Promise.all([passwords.hash(PASSWORD), passwords.hash(PASSWORD)])
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,/)
    expect(first).not.toBe(second)
    expect(await passwords.verify(first, PASSWORD)).toBe(true)
    for (const wrong of [`${PASSWORD} `, PASSWORD.toUpperCase(), '', 'x'.repeat(1_000_000)]) {
      expect(await passwords.verify(first, wrong)).toBe(false)
    }
  })

  it('does the same work for nobody, and is never right', async () => {
    expect(await passwords.verify(undefined, 'nobody has this password')).toBe(false)
    expect(await passwords.verify(undefined, PASSWORD)).toBe(false)
  })

  it('wants to hash again when the cost rises, and cannot be made cheap', async () => {
    const hash = await passwords.hash(PASSWORD)
    expect(passwords.needsRehash(hash)).toBe(false)
    expect(new Argon2Passwords({ cost: { passes: 3 } }).needsRehash(hash)).toBe(true)
    const strong = await new Argon2Passwords({ cost: { passes: 3 } }).hash(PASSWORD)
    expect(passwords.needsRehash(strong)).toBe(false)
    // 64 MiB, 2 passes here and 19 MiB, 3 passes there: the hash becomes the stronger of the two, and is not made in turns.
    const [wide, long] = [
      new Argon2Passwords({ cost: { memoryKiB: 65_536 } }),
      new Argon2Passwords({ cost: { passes: 3 } }),
    ]
    expect(long.needsRehash(await wide.hash(PASSWORD))).toBe(false)
    expect(wide.needsRehash(await long.hash(PASSWORD))).toBe(true)
    expect(passwords.needsRehash('$argon2id$v=19$m=4096,t=3,p=1$x$y')).toBe(true)
    expect(passwords.needsRehash('$argon2id$nonsense')).toBe(true)
    expect(passwords.needsRehash('$2b$10$x')).toBe(true)
    for (const cost of [{ memoryKiB: MIN_ARGON2.memoryKiB - 1 }, { passes: 1 }, { lanes: 0 }, { passes: 2.5 }]) {
      expect(() => new Argon2Passwords({ cost })).toThrow(RangeError)
    }
    expect(() => new Argon2Passwords({ concurrency: 0 })).toThrow(RangeError)
  })

  it('takes hashes of other products that are checked in reasonable time', async () => {
    const bcrypt = await bcryptHash(PASSWORD, 4)
    const foreign = await argon2.hash(PASSWORD, {
      type: argon2.argon2i,
      memoryCost: 4_096,
      timeCost: 3,
      parallelism: 1,
    })
    for (const hash of [bcrypt, bcrypt.replace('$2b$', '$2a$'), bcrypt.replace('$2b$', '$2y$'), foreign]) {
      expect([
        passwords.canImport(hash),
        await passwords.verify(hash, PASSWORD),
        await passwords.verify(hash, 'wrong'),
      ]).toEqual([true, true, false])
    }
    const refused = [
      '',
      'plain',
      '$1$abc',
      bcrypt.replace('$04$', '$31$'),
      bcrypt.slice(0, -1),
      foreign.replace('m=4096', 'm=9999999'),
      foreign.replace('t=3', 't=999'),
      `${foreign}\n`,
    ]
    expect(refused.filter((hash) => passwords.canImport(hash))).toEqual([])
  })

  it('does not take a password for a bcrypt hash that bcrypt would have cut', async () => {
    const long = 'x'.repeat(72)
    const hash = await bcryptHash(long, 4)
    expect(await passwords.verify(hash, long)).toBe(true)
    for (const other of [`${long}y`, `${long.slice(1)}\0`]) expect(await passwords.verify(hash, other)).toBe(false)
  })
})

describe('slots', () => {
  it('let two through, thirty-two wait, and turn the rest away', async () => {
    const slots = new Slots(2, 32)
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let running = 0
    let most = 0
    const work = async () => {
      running += 1
      most = Math.max(most, running)
      await gate
      running -= 1
    }
    const taken = Array.from({ length: 34 }, () => slots.run(work))
    expect(await failureOf(() => slots.run(work))).toMatchObject({ code: 'AUTH_PASSWORD_BUSY' })
    open()
    await Promise.all(taken)
    expect(most).toBe(2)
    await slots.run(work)
  })

  it('are given back after a failure, and left by whoever stops waiting', async () => {
    const slots = new Slots(1, 2)
    const { promise: gate, reject: fail } = Promise.withResolvers<void>()
    const first = slots.run(() => gate)
    const stop = new AbortController()
    const second = slots.run(async () => 'second', stop.signal)
    const third = slots.run(async () => 'third')
    stop.abort(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    fail(new Error('first'))
    await expect(first).rejects.toThrow('first')
    expect(await third).toBe('third')
    await expect(slots.run(async () => 'x', AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
  })
})
