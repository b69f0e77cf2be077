import { describe, expect, it } from '@jest/globals'
import { LoginThrottle, mintRefreshToken, refreshTokenHash } from '../src/index.js'
import { Argon2Passwords } from '../src/passwords.js'
import { as, failureOf, MINUTE, makeWorld, PASSWORD, root, type World } from './support/world.js'

const FAILED = { code: 'AUTH_LOGIN_FAILED', message: 'the login is not valid' }
const DAY = 24 * 60 * MINUTE

async function withAnna(): Promise<World> {
  const world = await makeWorld()
  await world.users.create({ name: 'anna', role: 'user', password: PASSWORD }, root)
  return world
}

describe('login', () => {
  it('gives an access token that holds, and a refresh token that is not kept', async () => {
    const world = await withAnna()
    const { access, refreshToken, user } = await world.sessions.login('anna', PASSWORD, { address: '10.0.0.1' })
    expect(await world.authenticator.authenticate({ authorization: `Bearer ${access.token}` })).toMatchObject({
      id: 'user:anna',
    })
    expect([access.lifetimeSeconds, user.name]).toEqual([900, 'anna'])
    const record = await world.refreshTokens.find(refreshTokenHash(refreshToken) ?? '')
    expect(record).toMatchObject({ user: 'anna', expiresAt: new Date(world.clock.ms + 30 * DAY) })
    expect(JSON.stringify([record, world.audited, world.events])).not.toContain(refreshToken.slice(6, 30))
    expect(world.audited).toMatchObject([
      { action: 'login', outcome: 'success', actor: 'user:anna', address: '10.0.0.1' },
    ])
  })

  it('says the same for a wrong password, an unknown user, a disabled one and one without password', async () => {
    const world = await withAnna()
    await world.users.create({ name: 'bert', role: 'user', password: PASSWORD }, root)
    await world.users.update('bert', { disabled: true }, root)
    await world.users.create({ name: 'carl', role: 'user' }, root)
    const attempts: [string, string][] = [
      ['anna', 'wrong wrong wrong'],
      ['nobody', PASSWORD],
      ['bert', PASSWORD],
      ['carl', PASSWORD],
      ['carl', ''],
      ['anna', `${PASSWORD} `],
      ['anna', 'x'.repeat(1_000_000)],
    ]
    for (const [name, password] of attempts) {
      world.clock.advance(MINUTE)
      expect(await failureOf(() => world.sessions.login(name, password))).toMatchObject(FAILED)
    }
    expect(world.audited.map(({ outcome }) => outcome)).toEqual(attempts.map(() => 'denied'))
    expect(JSON.stringify(world.audited)).not.toContain('wrong')
  })

  it('makes control characters of a name visible in the trail, and shortens it', async () => {
    const world = await withAnna()
    await failureOf(() => world.sessions.login(`evil\r\nname${'x'.repeat(1_000)}`, PASSWORD))
    const actor = world.audited[0]?.actor ?? ''
    expect(actor).toMatch(/^user:evil\\u000d\\u000aname/)
    expect(actor.length).toBeLessThanOrEqual(256)
  })

  it('strengthens a hash that another product has made', async () => {
    const world = await makeWorld()
    const importedHash = '$2b$10$mJeRg2JJfAh9yuPnlnh1LOMWl2LInFFk8AGGCmzumx1KQ0I2b31jy'
    const bcrypt = await import('bcryptjs')
    const hash = await bcrypt.hash(PASSWORD, 4)
    await world.users.create({ name: 'anna', role: 'user', importedHash: hash }, root)
    expect(
      await failureOf(() => world.users.create({ name: 'x', role: 'user', importedHash: '$1$x' }, root)),
    ).toMatchObject({ problem: 'hash' })
    expect(world.passwords.canImport(importedHash)).toBe(true)
    await world.sessions.login('anna', PASSWORD)
    expect(await world.identity.passwordHash('anna')).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/)
    expect((await world.sessions.login('anna', PASSWORD)).user.name).toBe('anna')
  })

  it('makes a hash again when the cost has risen, once, and not weaker when it falls', async () => {
    const before = await withAnna()
    const hash = await before.identity.passwordHash('anna')
    const raised = await makeWorld({ passwords: new Argon2Passwords({ cost: { passes: 3 } }) })
    await raised.users.create({ name: 'anna', role: 'user', importedHash: hash }, root)
    await failureOf(() => raised.sessions.login('anna', 'wrong wrong wrong'))
    expect(await raised.identity.passwordHash('anna')).toBe(hash)
    raised.clock.advance(1_000)
    await raised.sessions.login('anna', PASSWORD)
    const stronger = await raised.identity.passwordHash('anna')
    expect(stronger).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=3\$/)
    await raised.sessions.login('anna', PASSWORD)
    expect(await raised.identity.passwordHash('anna')).toBe(stronger)
    const fallen = await makeWorld()
    await fallen.users.create({ name: 'anna', role: 'user', importedHash: stronger }, root)
    await fallen.sessions.login('anna', PASSWORD)
    expect(await fallen.identity.passwordHash('anna')).toBe(stronger)
  })

  it('is right also when the stronger hash cannot be kept, which is told, and made up for by the next one', async () => {
    const before = await withAnna()
    const importedHash = await before.identity.passwordHash('anna')
    const world = await makeWorld({ passwords: new Argon2Passwords({ cost: { passes: 3 } }) })
    await world.users.create({ name: 'anna', role: 'user', importedHash }, root)
    const replace = world.identity.replacePasswordHash.bind(world.identity)
    world.identity.replacePasswordHash = () => Promise.reject(new Error('read only'))
    expect((await world.sessions.login('anna', PASSWORD)).user.name).toBe('anna')
    const told = { type: 'password-not-strengthened', user: 'anna', error: new Error('read only') }
    expect(world.events).toContainEqual(told)
    world.identity.replacePasswordHash = replace
    await world.sessions.login('anna', PASSWORD)
    expect(await world.identity.passwordHash('anna')).toContain('t=3')
  })

  it('does not count as failed when the store is down', async () => {
    const world = await withAnna()
    const read = world.identity.passwordHash.bind(world.identity)
    world.identity.passwordHash = () => Promise.reject(new Error('down'))
    await expect(world.sessions.login('anna', PASSWORD)).rejects.toThrow('down')
    world.identity.passwordHash = read
    expect((await world.sessions.login('anna', PASSWORD)).user.name).toBe('anna')
  })

  it('waits after failures, and audits that too', async () => {
    const world = await withAnna()
    await failureOf(() => world.sessions.login('anna', 'wrong wrong wrong'))
    const error = await failureOf(() => world.sessions.login('anna', PASSWORD))
    expect(error).toMatchObject({ code: 'AUTH_LOGIN_THROTTLED', retryAfterMs: 1_000 })
    expect(world.audited.at(-1)).toMatchObject({ outcome: 'denied', details: { throttled: true } })
    world.clock.advance(1_000)
    expect((await world.sessions.login('anna', PASSWORD)).user.name).toBe('anna')
  })
})

describe('a refresh token', () => {
  it('is good once; a second use ends the whole login', async () => {
    const world = await withAnna()
    const first = await world.sessions.login('anna', PASSWORD)
    const second = await world.sessions.refresh(first.refreshToken)
    expect(await world.authenticator.authenticate({ authorization: `Bearer ${second.access.token}` })).toMatchObject({
      id: 'user:anna',
    })
    expect(await failureOf(() => world.sessions.refresh(first.refreshToken))).toMatchObject(FAILED)
    expect(await failureOf(() => world.sessions.refresh(second.refreshToken))).toMatchObject(FAILED)
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'refresh-token-reused', user: 'anna' }))
    expect(world.audited.at(-1)).toMatchObject({
      action: 'token.refresh',
      outcome: 'denied',
      details: { reason: 'reused' },
    })
  })

  it('is good for one of two who use it at the same time, and then for nobody', async () => {
    const world = await withAnna()
    const { refreshToken } = await world.sessions.login('anna', PASSWORD)
    const both = await Promise.allSettled([world.sessions.refresh(refreshToken), world.sessions.refresh(refreshToken)])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const won = both.find((outcome) => outcome.status === 'fulfilled')
    expect(await failureOf(() => world.sessions.refresh(won?.value.refreshToken ?? ''))).toMatchObject(FAILED)
  })

  it('ends with the login, however often it was refreshed', async () => {
    const world = await withAnna()
    let { refreshToken } = await world.sessions.login('anna', PASSWORD)
    for (const _ of [1, 2, 3]) {
      world.clock.advance(9 * DAY)
      refreshToken = (await world.sessions.refresh(refreshToken)).refreshToken
    }
    world.clock.advance(3 * DAY)
    expect(await failureOf(() => world.sessions.refresh(refreshToken))).toMatchObject(FAILED)
  })

  it.each([
    ['another client', async () => undefined, { client: 'other' }],
    ['a user who was disabled', (world: World) => world.users.update('anna', { disabled: true }, root), {}],
    ['a new password', (world: World) => world.users.setPassword('anna', `${PASSWORD}!`, root), {}],
    ['a user who is gone', (world: World) => world.users.delete('anna', root), {}],
  ])('does not hold for %s', async (_, change, context) => {
    const world = await withAnna()
    const { refreshToken } = await world.sessions.login('anna', PASSWORD, { client: 'cli' })
    await change(world)
    expect(await failureOf(() => world.sessions.refresh(refreshToken, { client: 'cli', ...context }))).toMatchObject(
      FAILED,
    )
    expect(await failureOf(() => world.sessions.refresh(refreshToken, { client: 'cli' }))).toMatchObject(FAILED)
  })

  it.each(['', 'mcpr_', 'x', `mcpr_${'0'.repeat(49)}`, 'a.b.c', "mcpr_' OR 1=1"])('is not %j', async (text) => {
    const world = await withAnna()
    world.refreshTokens.find = () => Promise.reject(new Error('reached the store'))
    expect(await failureOf(() => world.sessions.refresh(text))).toMatchObject(FAILED)
  })

  it('that was never issued is refused', async () => {
    const world = await withAnna()
    expect(await failureOf(() => world.sessions.refresh(mintRefreshToken()))).toMatchObject(FAILED)
  })
})

describe('logout', () => {
  it('ends the access token at once, and the refresh tokens of the login', async () => {
    const world = await withAnna()
    const { access, refreshToken } = await world.sessions.login('anna', PASSWORD)
    const other = await world.sessions.login('anna', PASSWORD)
    const check = (token: string) => world.authenticator.authenticate({ authorization: `Bearer ${token}` })
    await check(access.token)
    await world.sessions.logout({ refreshToken, access }, as(world, 'anna'))
    expect(await failureOf(() => check(access.token))).toMatchObject({ problem: 'revoked' })
    expect(await failureOf(() => world.sessions.refresh(refreshToken))).toMatchObject(FAILED)
    expect(await check(other.access.token)).toMatchObject({ id: 'user:anna' })
    expect(world.directory.state.revokedTokens.size).toBe(1)
    world.clock.advance(16 * MINUTE + 1_000)
    await world.users.update('anna', {}, root)
    expect(world.directory.state.revokedTokens.size).toBe(0)
  })

  it('of nothing that is known is no error, and not for API keys', async () => {
    const world = await withAnna()
    await world.sessions.logout({ refreshToken: 'unknown' }, as(world, 'anna'))
    expect(world.audited.at(-1)?.action).toBe('logout')
    const access = { id: 'x', expiresAt: new Date() }
    expect(await failureOf(() => world.sessions.logout({ access }, root))).toMatchObject({ code: 'AUTH_FORBIDDEN' })
  })
})

describe('the login throttle', () => {
  it('leaves who guesses at one account about 105 guesses on the first day, on two nodes at most twice as many', () => {
    const alone = guessesOfADay(1)
    expect(alone).toBe(105)
    const onOneOfTwo = guessesOfADay(1 / 2)
    expect(onOneOfTwo).toBeLessThanOrEqual(alone)
    expect(2 * onOneOfTwo).toBeGreaterThan(alone)
  })

  it('lets an address try half as often on each of two nodes, and an account wait twice as long', () => {
    let now = 0
    const throttle = new LoginThrottle({ perAddress: { limit: 4, periodMs: 1_000 }, now: () => now })
    throttle.setShare(1 / 2)
    throttle.begin('anna', undefined)
    expect(waitOf(() => throttle.begin('anna', undefined))).toBe(2_000)
    now += 2_000
    throttle.begin('anna', undefined)
    expect(waitOf(() => throttle.begin('anna', undefined))).toBe(4_000)
    for (const account of ['a', 'b']) throttle.begin(account, '10.0.0.1')
    expect(() => throttle.begin('c', '10.0.0.1')).toThrow()
  })

  it('doubles the wait of an account from 1 s to 15 min, and starts afresh after a success or a day', () => {
    let now = 0
    const throttle = new LoginThrottle({ now: () => now })
    const waits: number[] = []
    for (let failures = 1; failures <= 12; failures++) {
      throttle.begin('anna', undefined)
      waits.push(waitOf(() => throttle.begin('anna', undefined)))
      now += waits.at(-1) ?? 0
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900].map((seconds) => seconds * 1_000))
    throttle.begin('anna', undefined)
    now += DAY
    throttle.begin('anna', undefined)
    expect(waitOf(() => throttle.begin('anna', undefined))).toBe(1_000)
    now += 1_000
    throttle.begin('anna', undefined)
    throttle.succeeded('anna')
    throttle.begin('anna', undefined)
  })

  it('does not forget an account that has failed often for a flood of other names, and stays bounded', () => {
    let now = 0
    const throttle = new LoginThrottle({ now: () => now })
    throttle.begin('once', undefined)
    for (const wait of [1_000, 2_000, 4_000]) {
      throttle.begin('anna', undefined)
      expect(waitOf(() => throttle.begin('anna', undefined))).toBe(wait)
      now += wait
    }
    throttle.begin('anna', undefined)
    for (let n = 0; n < 10_000; n++) throttle.begin(`made-up-${n}`, undefined)
    expect(waitOf(() => throttle.begin('anna', undefined))).toBe(8_000)
    throttle.begin('once', undefined)
    expect(waitOf(() => throttle.begin('once', undefined))).toBe(1_000)
  })

  it('counts attempts that have begun: a thousand at the same time are not one', () => {
    const throttle = new LoginThrottle({ now: () => 0 })
    throttle.begin('anna', undefined)
    for (let i = 0; i < 1_000; i++) expect(waitOf(() => throttle.begin('anna', undefined))).toBe(1_000)
  })

  it('limits an address over all accounts; an IPv6 subscriber is one address', () => {
    const throttle = new LoginThrottle({ now: () => 0, perAddress: { limit: 3, periodMs: 3_000 } })
    for (const host of ['::1', '::2', '::3']) throttle.begin(`user-${host}`, `2001:db8:0:1${host}`)
    expect(waitOf(() => throttle.begin('other', '2001:db8:0:1::4'))).toBe(1_000)
    throttle.begin('other', '2001:db8:0:2::4')
  })
})

/** How often somebody who loses no time may guess at one account of a node that counts its share. */
function guessesOfADay(share: number): number {
  let now = 0
  let guesses = 0
  const throttle = new LoginThrottle({ now: () => now })
  throttle.setShare(share)
  while (now < DAY) {
    throttle.begin('anna', undefined)
    guesses += 1
    now += waitOf(() => throttle.begin('anna', undefined))
  }
  return guesses
}

function waitOf(work: () => void): number {
  try {
    work()
  } catch (error) {
    return (error as { retryAfterMs: number }).retryAfterMs
  }
  throw new Error('it did not have to wait')
}
