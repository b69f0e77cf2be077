import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  checkMasterKey,
  FieldSealer,
  fieldPlace,
  KeyHasher,
  Mac,
  MasterKey,
  MasterKeyRing,
  MemoryKeyCheckStore,
  OLD_KEY_READABLE_MS,
} from '../src/index.js'
import { failureOf } from './support/world.js'

const BYTES = Uint8Array.from({ length: 32 }, (_, index) => index)
const HEX = Buffer.from(BYTES).toString('hex')

describe('a master key', () => {
  it('is read from hexadecimal digits and both kinds of base64, and written back', () => {
    const key = new MasterKey(BYTES)
    const texts = [HEX, HEX.toUpperCase(), Buffer.from(BYTES).toString('base64'), ` ${key.export()}\n`]
    for (const text of texts) expect(MasterKey.parse(text).export()).toBe(key.export())
    for (const text of ['', 'secret', HEX.slice(2), `${HEX}00`, Buffer.alloc(31).toString('base64'), 'x'.repeat(44)]) {
      expect(() => MasterKey.parse(text)).toThrow(RangeError)
    }
    expect(() => new MasterKey(Buffer.alloc(16))).toThrow(RangeError)
  })

  it('derives a key per purpose, always the same', () => {
    const [a, b] = [new MasterKey(BYTES), MasterKey.parse(HEX)]
    const purposes = [
      'api-key-pepper',
      'session-seal',
      'snapshot-mac',
      'hop-hmac',
      'audit-chain',
      'field-encryption',
      'argument-hash',
    ] as const
    const derived = purposes.map((purpose) => a.derive(purpose).toString('hex'))
    expect(new Set([...derived, HEX]).size).toBe(purposes.length + 1)
    expect(purposes.map((purpose) => b.derive(purpose).toString('hex'))).toEqual(derived)
    // A vector of our own: were the derivation to change, every stored hash would be worthless.
    expect(derived[0]).toBe(PEPPER_OF_BYTES)
  })

  it('does not show itself', () => {
    const key = new MasterKey(BYTES)
    const shown = [
      JSON.stringify({ key }),
      inspect({ key }, { depth: 9, showHidden: true }),
      String(key),
      `${inspect(new MasterKeyRing(key))}`,
    ].join()
    for (const secret of [HEX, key.export(), Buffer.from(BYTES).toString('base64')]) expect(shown).not.toContain(secret)
  })
})

const PEPPER_OF_BYTES = 'f4e766404ccb6ba2872af32ccef5aeb4fcaab7a23a3bbdbceae8afa332b81ef7'

describe('sealing a field', () => {
  const key = MasterKey.generate()
  const sealer = new FieldSealer(new MasterKeyRing(key))
  const place = fieldPlace('instances', 'a|b', 'headers')

  it('gives another text each time, that opens at its place only', async () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (plain) => sealer.open(sealer.seal(plain, place), place) === plain),
    )
    const sealed = sealer.seal('secret', place)
    expect(sealed).not.toBe(sealer.seal('secret', place))
    expect(sealed).not.toContain('secret')
    for (const other of [fieldPlace('instances', 'a', 'b|headers'), fieldPlace('instances', 'a|b', 'env'), '']) {
      expect(await failureOf(() => sealer.open(sealed, other))).toMatchObject({ code: 'AUTH_SEALED' })
    }
  })

  it('notices every changed character', async () => {
    const sealed = sealer.seal('secret', place)
    for (let at = 0; at < sealed.length; at++) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`
      const error = await failureOf(() => {
        // The last character of a part holds bits that decode to nothing.
        if (sealer.open(changed, place) === 'secret')
          throw Object.assign(new Error('same bytes'), { code: 'AUTH_SEALED' })
      })
      expect(error).toMatchObject({ code: 'AUTH_SEALED' })
    }
    for (const text of ['', 'v1', 'v1...', `v2.${sealed.slice(3)}`, `${sealed}.`, sealed.slice(0, -24)]) {
      expect(await failureOf(() => sealer.open(text, place))).toMatchObject({ code: 'AUTH_SEALED' })
    }
  })

  it('survives a change of the master key by wrapping anew', async () => {
    const next = MasterKey.generate()
    const both = new FieldSealer(new MasterKeyRing(next, [key]))
    const sealed = sealer.seal('secret', place)
    expect([both.isOutdated(sealed), both.open(sealed, place)]).toEqual([true, 'secret'])
    const rewrapped = both.rewrap(sealed, place)
    const only = new FieldSealer(new MasterKeyRing(next))
    expect([only.isOutdated(rewrapped), only.open(rewrapped, place)]).toEqual([false, 'secret'])
    expect(rewrapped.split('.')[3]).toBe(sealed.split('.')[3])
    expect(await failureOf(() => only.open(sealed, place))).toMatchObject({ code: 'AUTH_SEALED' })
    expect(await failureOf(() => both.rewrap(sealed, 'elsewhere'))).toMatchObject({ code: 'AUTH_SEALED' })
  })
})

describe('checking the master key at start', () => {
  const [a, b, c] = [MasterKey.generate(), MasterKey.generate(), MasterKey.generate()]
  const check = (store: MemoryKeyCheckStore, current: MasterKey, readable: MasterKey[] = [], now = 0) =>
    checkMasterKey(new MasterKeyRing(current, readable), store, { now: () => now })

  it('takes the first key as the key of the database and refuses every other, in one sentence', async () => {
    const store = new MemoryKeyCheckStore()
    await check(store, a)
    await check(store, a)
    const error = await failureOf(() => check(store, b))
    expect(error).toMatchObject({
      code: 'AUTH_MASTER_KEY_MISMATCH',
      message: expect.stringContaining(`belongs to the master key ${a.id}`),
    })
    expect(await failureOf(() => check(store, b, [c]))).toMatchObject({ code: 'AUTH_MASTER_KEY_MISMATCH' })
    expect(JSON.stringify(await store.load())).not.toContain(a.export())
  })

  it('rotates node by node: readable first, then current', async () => {
    const store = new MemoryKeyCheckStore()
    await check(store, a)
    await check(store, a, [b])
    expect((await store.load())?.current.id).toBe(a.id)
    await check(store, b, [a], 1)
    expect(await store.load()).toMatchObject({ current: { id: b.id }, previous: { id: a.id, replacedAt: new Date(1) } })
    await check(store, a, [b], 2)
    expect((await store.load())?.current.id).toBe(b.id)
    expect(await failureOf(() => check(store, a))).toMatchObject({ code: 'AUTH_MASTER_KEY_MISMATCH' })
  })

  it('stops reading with the old key after 30 days', async () => {
    const store = new MemoryKeyCheckStore()
    await check(store, a)
    await check(store, b, [a])
    const ids = async (now: number) => (await check(store, b, [a, c], now)).all.map(({ id }) => id)
    expect(await ids(OLD_KEY_READABLE_MS - 1)).toEqual([b.id, a.id, c.id])
    expect(await ids(OLD_KEY_READABLE_MS)).toEqual([b.id, c.id])
  })
})

describe('MACs and peppers', () => {
  it('hold for the same text and key, also under an older key that is still known', () => {
    const [a, b] = [MasterKey.generate(), MasterKey.generate()]
    const mac = (ring: MasterKeyRing) => new Mac(ring.derive('snapshot-mac'))
    const signature = mac(new MasterKeyRing(a)).sign('text')
    expect(mac(new MasterKeyRing(b, [a])).verify('text', signature)).toBe(true)
    expect(mac(new MasterKeyRing(b)).verify('text', signature)).toBe(false)
    for (const bad of ['', '.', signature.slice(0, -2), `${a.id}.`, signature.replace(a.id, b.id)]) {
      expect(mac(new MasterKeyRing(a, [b])).verify('text', bad)).toBe(false)
    }
    expect(mac(new MasterKeyRing(a)).verify('texT', signature)).toBe(false)
  })

  it('make a hash that says nothing without the pepper, and never match a broken one', () => {
    const hasher = new KeyHasher(new MasterKeyRing(MasterKey.generate()).derive('api-key-pepper'))
    const other = new KeyHasher(new MasterKeyRing(MasterKey.generate()).derive('api-key-pepper'))
    const stored = hasher.hash('s')
    expect(hasher.matches('s', stored)).toBe(true)
    expect(other.hash('s').hash).not.toBe(stored.hash)
    for (const bad of [
      { ...stored, hash: '' },
      { ...stored, pepper: 'x' },
      { ...stored, hash: stored.hash.slice(2) },
    ]) {
      expect(hasher.matches('s', bad)).toBe(false)
    }
    expect([hasher.matches('t', stored), other.matches('s', stored), hasher.matchNothing('s')]).toEqual([
      false,
      false,
      false,
    ])
  })
})
