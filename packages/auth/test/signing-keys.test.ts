import { describe, expect, it } from '@jest/globals'
import {
  AccessTokenIssuer,
  AccessTokenVerifier,
  FieldSealer,
  MasterKey,
  MasterKeyRing,
  MemorySigningKeyStore,
  PublishedKeys,
  parseCompact,
  SigningKeys,
} from '../src/index.js'
import { Clock, failureOf, MINUTE, PUBLIC_URL } from './support/world.js'

const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const parties = { issuer: PUBLIC_URL, audience: PUBLIC_URL }
const subject = { user: 'anna', epoch: 1, role: 'user' } as const

function node(store: MemorySigningKeyStore, clock: Clock, ring = new MasterKeyRing(MasterKey.generate())) {
  const keys = new SigningKeys({ store, sealer: new FieldSealer(ring), now: clock.now })
  const issuer = new AccessTokenIssuer({ ...parties, keys, now: clock.now })
  const verifier = new AccessTokenVerifier({ ...parties, keys, now: clock.now })
  return { keys, issuer, verifier, verify: (token: string) => verifier.verify(parseCompact(token)) }
}

describe('signing keys', () => {
  it('are published for an hour, sign for 30 days, verify for 20 minutes more, and go', async () => {
    const clock = new Clock()
    const store = new MemorySigningKeyStore()
    const { keys, issuer, verify } = node(store, clock)
    await keys.load()
    const first = (await keys.signer()).kid
    clock.advance(30 * DAY - HOUR)
    await keys.maintain()
    const kids = keys.jwks().keys.map(({ kid }) => kid)
    expect(kids).toHaveLength(2)
    expect((await keys.signer()).kid).toBe(first)
    clock.advance(HOUR - 1)
    const last = await issuer.issue(subject)
    clock.advance(1)
    expect((await keys.signer()).kid).toBe(kids[1])
    clock.advance(15 * MINUTE)
    expect(await verify(last.token)).toMatchObject({ user: 'anna' })
    clock.advance(5 * MINUTE)
    expect(keys.find(first)).toBeUndefined()
    expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([kids[1]])
    await keys.maintain()
    expect((await store.list()).map(({ kid }) => kid)).toEqual([kids[1]])
  })

  it('are the same on two nodes, also when both make the first one at the same time', async () => {
    const clock = new Clock()
    const store = new MemorySigningKeyStore()
    const ring = new MasterKeyRing(MasterKey.generate())
    const [a, b] = [node(store, clock, ring), node(store, clock, ring)]
    await Promise.all([a.keys.load(), b.keys.load()])
    expect(await store.list()).toHaveLength(1)
    await Promise.all([a.keys.refresh(), b.keys.refresh()])
    expect(await b.verify((await a.issuer.issue(subject)).token)).toMatchObject({ user: 'anna', epoch: 1 })
  })

  it('end at once when they are removed: what they have signed is refused', async () => {
    const clock = new Clock()
    const { keys, issuer, verify } = node(new MemorySigningKeyStore(), clock)
    await keys.load()
    const { token } = await issuer.issue(subject)
    await keys.remove([(await keys.signer()).kid])
    await keys.maintain()
    expect(await failureOf(() => verify(token))).toMatchObject({ problem: 'unknown' })
    expect(await verify((await issuer.issue(subject)).token)).toMatchObject({ user: 'anna' })
  })

  it('lie sealed in the store, and show public members only', async () => {
    const clock = new Clock()
    const store = new MemorySigningKeyStore()
    const { keys } = node(store, clock)
    await keys.load()
    const [record] = await store.list()
    expect(record?.sealedPrivate).toMatch(/^v1\./)
    for (const shown of [record?.publicJwk, keys.jwks().keys[0], keys.published()[0]?.jwk])
      expect(shown).not.toHaveProperty('d')
    expect(keys.jwks().keys[0]).toMatchObject({
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: record?.kid,
    })
    const stranger = node(store, clock)
    await stranger.keys.load()
    expect(await failureOf(() => stranger.keys.signer())).toMatchObject({ code: 'AUTH_SEALED' })
  })

  it('move to a new master key', async () => {
    const clock = new Clock()
    const store = new MemorySigningKeyStore()
    const [old, next] = [MasterKey.generate(), MasterKey.generate()]
    await node(store, clock, new MasterKeyRing(old)).keys.load()
    await node(store, clock, new MasterKeyRing(next, [old])).keys.maintain()
    const { keys } = node(store, clock, new MasterKeyRing(next))
    await keys.load()
    expect((await keys.signer()).alg).toBe('EdDSA')
  })

  it('may be for ES256, and verify in a process that has public keys only', async () => {
    const clock = new Clock()
    const keys = new SigningKeys({
      store: new MemorySigningKeyStore(),
      sealer: new FieldSealer(new MasterKeyRing(MasterKey.generate())),
      alg: 'ES256',
      now: clock.now,
    })
    await keys.load()
    const { token } = await new AccessTokenIssuer({ ...parties, keys, now: clock.now, lifetimeSeconds: 60 }).issue(
      subject,
    )
    const published = await PublishedKeys.import(JSON.parse(JSON.stringify(keys.published())), clock.now)
    const worker = new AccessTokenVerifier({ ...parties, keys: () => published, now: clock.now })
    expect(await worker.verify(parseCompact(token))).toMatchObject({ user: 'anna', audiences: [PUBLIC_URL] })
  })

  it('need to be loaded, and tokens live 15 minutes at most', async () => {
    const { keys } = node(new MemorySigningKeyStore(), new Clock())
    await expect(keys.signer()).rejects.toThrow('not loaded')
    for (const lifetimeSeconds of [0, 901, 1.5])
      expect(() => new AccessTokenIssuer({ ...parties, keys, lifetimeSeconds })).toThrow(RangeError)
  })
})
