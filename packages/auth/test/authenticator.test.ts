import { describe, expect, it } from '@jest/globals'
import {
  Authenticator,
  AuthSnapshot,
  anonymous,
  emptyIdentity,
  localAdmin,
  type Principal,
  type TokenVerifier,
} from '../src/index.js'
import { failureOf, MINUTE, makeWorld, root, type World } from './support/world.js'

const TOKEN = 'local-token-of-this-machine-0123456789'

async function withAnna(): Promise<{ world: World; token: string }> {
  const world = await makeWorld()
  const { epoch, role, name } = await world.users.create({ name: 'anna', role: 'operator' }, root)
  const { token } = await world.tokens.issue({ user: name, epoch, role })
  return { world, token }
}

const bearer = (world: World, token: string) => world.authenticator.authenticate({ authorization: `Bearer ${token}` })

describe('the credential of a request', () => {
  const admin = localAdmin({ mayExecute: false })
  const door = new Authenticator({
    snapshot: AuthSnapshot.of(emptyIdentity),
    local: [{ token: TOKEN, principal: admin }],
  })

  it('may come in either header, or the same in both', () => {
    expect(door.authenticate({ apiKey: TOKEN })).toBe(admin)
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      expect(door.authenticate({ authorization: `${scheme} ${TOKEN}` })).toBe(admin)
    }
    expect(door.authenticate({ authorization: `Bearer ${TOKEN}`, apiKey: TOKEN })).toBe(admin)
  })

  it('may not be two different ones', async () => {
    const error = await failureOf(() => door.authenticate({ authorization: `Bearer ${TOKEN}`, apiKey: `${TOKEN}x` }))
    expect(error).toMatchObject({ code: 'AUTH_CREDENTIALS_CONFLICT' })
  })

  it.each([
    'Basic YTpi',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN} x`,
    `Bearer ${TOKEN}\n`,
    TOKEN,
    `Token ${TOKEN}`,
    'Bearer ü',
    '',
  ])('is malformed in %j', async (authorization) => {
    expect(await failureOf(() => door.authenticate({ authorization }))).toMatchObject({ problem: 'malformed' })
  })

  it('is needed, unless callers may be anonymous; a wrong one is never taken for none', async () => {
    expect(await failureOf(() => door.authenticate({}))).toMatchObject({ code: 'AUTH_CREDENTIAL_MISSING' })
    const open = new Authenticator({ snapshot: AuthSnapshot.of(emptyIdentity), anonymous })
    expect(open.authenticate({})).toBe(anonymous)
    expect(await failureOf(() => open.authenticate({ apiKey: 'wrong' }))).toMatchObject({
      code: 'AUTH_CREDENTIAL_INVALID',
    })
    expect(await failureOf(() => open.authenticate({ apiKey: '' }))).toMatchObject({ code: 'AUTH_CREDENTIAL_INVALID' })
  })

  it('of this machine must not be short', () => {
    const make = () =>
      new Authenticator({ snapshot: AuthSnapshot.of(emptyIdentity), local: [{ token: 'short', principal: admin }] })
    expect(make).toThrow(RangeError)
  })
})

describe('a token that was seen before', () => {
  it('is answered at once, with the same principal', async () => {
    const { world, token } = await withAnna()
    const first = bearer(world, token)
    expect(first).toBeInstanceOf(Promise)
    const principal = await first
    expect(bearer(world, token)).toBe(principal)
  })

  it('is checked once when it comes several times at the same moment', async () => {
    let checks = 0
    const verifier: TokenVerifier = {
      issuer: 'https://idp.example',
      verify: async () => {
        checks += 1
        const principal: Principal = { id: 'x', kind: 'external', name: 'x', scopes: new Set() }
        return {
          kind: 'external',
          id: 'i',
          expiresAtMs: Number.POSITIVE_INFINITY,
          audiences: ['https://gateway.example'],
          principal,
        }
      },
    }
    const world = await makeWorld({ verifiers: [verifier] })
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = `${part({ alg: 'RS256', kid: 'k' })}.${part({ iss: verifier.issuer })}.${part({})}`
    await Promise.all([1, 2, 3].map(() => bearer(world, token)))
    expect(checks).toBe(1)
  })

  it('holds with what the user may do now, and no longer than it said', async () => {
    const { world, token } = await withAnna()
    await bearer(world, token)
    world.clock.advance(15 * MINUTE + 29_999)
    expect(bearer(world, token)).toMatchObject({ id: 'user:anna' })
    world.clock.advance(1)
    expect(await failureOf(() => bearer(world, token))).toMatchObject({ problem: 'expired', subject: 'user:anna' })
  })

  it.each([
    ['a new role', (world: World) => world.users.update('anna', { role: 'user' }, root), 'revoked'],
    ['a new password', (world: World) => world.users.setPassword('anna', 'a long enough sentence', root), 'revoked'],
    ['being disabled', (world: World) => world.users.update('anna', { disabled: true }, root), 'disabled'],
    ['deletion', (world: World) => world.users.delete('anna', root), 'unknown'],
  ])('ends with %s of its user', async (_, change, problem) => {
    const { world, token } = await withAnna()
    await bearer(world, token)
    await change(world)
    expect(await failureOf(() => bearer(world, token))).toMatchObject({ problem })
  })

  it('may be narrowed to some of the rights of its user', async () => {
    const { world } = await withAnna()
    const { epoch, role } = world.directory.state.users.get('anna') ?? { epoch: 0, role: 'user' }
    const scopes = ['tools:read', 'users:admin'] as const
    const { token } = await world.tokens.issue({ user: 'anna', epoch, role, scopes })
    expect([...(await bearer(world, token)).scopes]).toEqual(['tools:read'])
  })

  it('was bad a moment ago: is refused without a second check, and checked again a little later', async () => {
    let checks = 0
    const verifier: TokenVerifier = {
      issuer: 'https://idp.example',
      verify: () => {
        checks += 1
        return Promise.reject(new Error('the database of keys is down'))
      },
    }
    const world = await makeWorld({ verifiers: [verifier] })
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const strange = `${part({ alg: 'RS256', kid: 'k' })}.${part({ iss: 'https://stranger' })}.${part({})}`
    expect(await failureOf(() => bearer(world, strange))).toMatchObject({ problem: 'issuer' })
    const again = await failureOf(async () => {
      const found = bearer(world, strange)
      expect(found).toBe('not reached: refusals are remembered and thrown at once')
    })
    expect(again).toMatchObject({ problem: 'issuer' })
    world.clock.advance(1_500)
    const later = bearer(world, strange)
    expect(later).toBeInstanceOf(Promise)
    expect(await failureOf(() => later)).toMatchObject({ problem: 'issuer' })
    const failing = `${part({ alg: 'RS256', kid: 'k' })}.${part({ iss: verifier.issuer })}.${part({})}`
    for (const _ of [1, 2]) await expect(Promise.resolve(bearer(world, failing))).rejects.toThrow('database')
    expect(checks).toBe(2)
  })
})

describe('a snapshot', () => {
  it('that was not confirmed for 15 minutes is trusted no more; the local token still holds', async () => {
    const { world, token } = await withAnna()
    await bearer(world, token)
    world.age.ms += 15 * MINUTE
    expect(bearer(world, token)).toMatchObject({ id: 'user:anna' })
    world.age.ms += 1
    expect(await failureOf(() => bearer(world, token))).toMatchObject({ code: 'AUTH_UNAVAILABLE' })
    await world.directory.refresh()
    expect(bearer(world, token)).toMatchObject({ id: 'user:anna' })
  })

  it('survives the way to another process as JSON', async () => {
    const { world } = await withAnna()
    const { text, key } = await world.keys.create(
      { name: 'k', role: 'user', cidrs: ['10.0.0.0/8'], templates: ['fs'] },
      root,
    )
    const copy = new AuthSnapshot(JSON.parse(JSON.stringify(world.directory.snapshot)))
    expect(copy.user('anna')).toEqual(world.directory.snapshot.user('anna'))
    const worker = new Authenticator({ snapshot: copy, keys: world.hasher, now: world.clock.now })
    expect(worker.authenticate({ apiKey: text, address: '10.0.0.1' })).toMatchObject({
      id: `key:${key.id}`,
      templates: ['fs'],
    })
    expect(await failureOf(() => worker.authenticate({ apiKey: text, address: '11.0.0.1' }))).toMatchObject({
      problem: 'address',
    })
  })

  it('refuses keys where none are configured, and the same issuer twice', async () => {
    const { world } = await withAnna()
    const { text } = await world.keys.create({ name: 'k', role: 'user' }, root)
    const without = new Authenticator({ snapshot: world.directory.snapshot })
    expect(await failureOf(() => without.authenticate({ apiKey: text }))).toMatchObject({ problem: 'unknown' })
    const verifier: TokenVerifier = { issuer: 'a', verify: () => Promise.reject(new Error('not asked')) }
    expect(() => new Authenticator({ snapshot: world.directory.snapshot, tokens: [verifier, verifier] })).toThrow(
      RangeError,
    )
  })
})
