import { describe, expect, it } from '@jest/globals'
import {
  type ApiKeyView,
  formatApiKey,
  KeyHasher,
  MasterKey,
  MasterKeyRing,
  mintSecret,
  type Principal,
} from '../src/index.js'
import { as, failureOf, MINUTE, makeWorld, root, START, type World } from './support/world.js'

const DAY = 24 * 60 * MINUTE

async function withUsers(): Promise<World> {
  const world = await makeWorld()
  await world.users.create({ name: 'anna', role: 'user' }, root)
  await world.users.create({ name: 'bert', role: 'operator' }, root)
  return world
}

const use = (world: World, text: string, address?: string): Principal => {
  const principal = world.authenticator.authenticate({ apiKey: text, address })
  if (principal instanceof Promise) throw new Error('not synchronous')
  return principal
}

describe('creating an API key', () => {
  it('gives a text that is shown once and nowhere kept', async () => {
    const world = await withUsers()
    const { key, text } = await world.keys.create({ name: 'ci', role: 'user' }, as(world, 'anna'))
    expect(use(world, text)).toMatchObject({ id: `key:${key.id}`, kind: 'key', name: 'ci', owner: 'user:anna' })
    const secret = text.slice(text.lastIndexOf('_') + 1)
    const kept = JSON.stringify([
      [...world.directory.state.keys.values()],
      world.directory.snapshot,
      await world.keys.list(root),
      await world.audit.query({ limit: 100 }),
      world.events,
    ])
    expect(kept).not.toContain(secret.slice(0, 20))
    expect(JSON.stringify(await world.keys.list(root))).not.toContain('hash')
  })

  it('needs an end: 90 days unless said otherwise, a year at most, never for keys:admin only', async () => {
    const world = await withUsers()
    const make = (lifetimeMs: number | 'never' | undefined, actor = as(world, 'anna')) =>
      world.keys.create({ name: 'k', role: 'user', lifetimeMs }, actor)
    expect((await make(undefined)).key.expiresAt).toEqual(new Date(START + 90 * DAY))
    expect((await make(365 * DAY)).key.expiresAt).toEqual(new Date(START + 365 * DAY))
    expect(await failureOf(() => make(365 * DAY + 1))).toMatchObject({ code: 'AUTH_INVALID' })
    expect(await failureOf(() => make(0))).toMatchObject({ code: 'AUTH_INVALID' })
    expect(await failureOf(() => make('never'))).toMatchObject({ code: 'AUTH_FORBIDDEN' })
    expect((await make('never', root)).key.expiresAt).toBeUndefined()
  })

  it('names every fault of what is wanted', async () => {
    const world = await withUsers()
    const wanted = {
      name: '',
      scopes: ['*' as 'tools:read'],
      templates: ['a b'],
      cidrs: ['10.0.0.0/33'],
      lifetimeMs: -1,
    }
    const error = await failureOf(() => world.keys.create(wanted, root))
    expect(error).toMatchObject({ code: 'AUTH_INVALID' })
    const paths = (error as { errors: { path: string }[] }).errors.map(({ path }) => path)
    expect(paths.toSorted()).toEqual(['cidrs', 'lifetimeMs', 'name', 'scopes', 'templates'])
    expect(await failureOf(() => world.keys.create({ name: 'k', role: 'user', scopes: [] }, root))).toMatchObject({
      code: 'AUTH_INVALID',
    })
  })

  it('never gives more than the actor and the owner have', async () => {
    const world = await withUsers()
    await world.users.create({ name: 'carl', role: 'admin', templates: ['fs-*'] }, root)
    const refused = { code: 'AUTH_FORBIDDEN' }
    const anna = as(world, 'anna')
    const carl = as(world, 'carl')
    expect(await failureOf(() => world.keys.create({ name: 'k', role: 'operator' }, anna))).toMatchObject(refused)
    expect(await failureOf(() => world.keys.create({ name: 'k', scopes: ['keys:admin'] }, anna))).toMatchObject(refused)
    expect(await failureOf(() => world.keys.create({ name: 'k', role: 'user', owner: 'bert' }, anna))).toMatchObject(
      refused,
    )
    expect(await failureOf(() => world.keys.create({ name: 'k', role: 'admin', owner: 'anna' }, root))).toMatchObject(
      refused,
    )
    expect(await failureOf(() => world.keys.create({ name: 'k', role: 'user' }, carl))).toMatchObject(refused)
    expect(await failureOf(() => world.keys.create({ name: 'k', role: 'user', templates: ['*'] }, carl))).toMatchObject(
      refused,
    )
    expect(await failureOf(() => world.keys.create({ name: 'k', role: 'user', owner: 'nobody' }, root))).toMatchObject({
      code: 'AUTH_USER_NOT_FOUND',
    })
    const { key } = await world.keys.create({ name: 'k', role: 'user', templates: ['fs-1*'] }, carl)
    expect(key.templates).toEqual(['fs-1*'])
  })

  it('is not for keys, users of other issuers, or nobody: what was stolen must not breed', async () => {
    const world = await withUsers()
    const { text } = await world.keys.create({ name: 'ci', role: 'user' }, as(world, 'anna'))
    const callers: Principal[] = [
      use(world, text),
      { id: 'issuer:https://idp|1', kind: 'external', name: 'x', scopes: new Set(['tools:read']) },
      { id: 'anonymous', kind: 'anonymous', name: 'anonymous', scopes: new Set(['tools:read']) },
    ]
    for (const principal of callers) {
      const error = await failureOf(() => world.keys.create({ name: 'k', scopes: ['tools:read'] }, { principal }))
      expect(error).toMatchObject({ code: 'AUTH_FORBIDDEN' })
    }
  })
})

describe('using an API key', () => {
  it('is refused by checksum without touching what is known of keys', async () => {
    const world = await withUsers()
    const { text } = await world.keys.create({ name: 'ci', role: 'user' }, root)
    const error = await failureOf(() => use(world, `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`))
    expect(error).toMatchObject({ code: 'AUTH_CREDENTIAL_INVALID', problem: 'malformed', subject: undefined })
  })

  it('is refused for an unknown id and for a wrong secret, with one message', async () => {
    const world = await withUsers()
    const { key } = await world.keys.create({ name: 'ci', role: 'user' }, root)
    const errors = await Promise.all(
      [key.id, 'abcDEF012345'].map((id) => failureOf(() => use(world, formatApiKey({ id, secret: mintSecret() })))),
    )
    expect(errors).toMatchObject([{ problem: 'unknown' }, { problem: 'unknown' }])
    expect(new Set(errors.map((error) => (error as Error).message)).size).toBe(1)
    expect(world.events.filter(({ type }) => type === 'credential-refused')).toHaveLength(2)
  })

  it('ends at its expiry, at once when revoked, and with its owner', async () => {
    const world = await withUsers()
    const mint = (actor = as(world, 'anna')) => world.keys.create({ name: 'k', role: 'user', lifetimeMs: DAY }, actor)
    const [short, revoked, owned] = [await mint(), await mint(), await mint()]
    for (const { text } of [short, revoked, owned]) expect(use(world, text).kind).toBe('key')
    await world.keys.revoke(revoked.key.id, as(world, 'anna'))
    expect(await failureOf(() => use(world, revoked.text))).toMatchObject({ problem: 'revoked' })
    await world.users.update('anna', { disabled: true }, root)
    expect(await failureOf(() => use(world, owned.text))).toMatchObject({ problem: 'disabled' })
    await world.users.update('anna', { disabled: false }, root)
    expect(use(world, owned.text).kind).toBe('key')
    world.clock.advance(DAY - 1)
    expect(use(world, short.text).kind).toBe('key')
    world.clock.advance(1)
    expect(await failureOf(() => use(world, short.text))).toMatchObject({ problem: 'expired' })
  })

  it('is revoked when its owner is deleted, also if somebody of that name comes back', async () => {
    const world = await withUsers()
    const { text } = await world.keys.create({ name: 'k', role: 'user' }, as(world, 'anna'))
    await world.users.delete('anna', root)
    expect(await failureOf(() => use(world, text))).toMatchObject({ problem: 'revoked' })
    await world.users.create({ name: 'anna', role: 'admin' }, root)
    expect(await failureOf(() => use(world, text))).toMatchObject({ problem: 'revoked' })
  })

  it('has no more rights than its owner has now', async () => {
    const world = await withUsers()
    const { text } = await world.keys.create(
      { name: 'k', role: 'operator', templates: ['fs-*', 'db'] },
      as(world, 'bert'),
    )
    expect(use(world, text).scopes.has('registry:write')).toBe(true)
    await world.users.update('bert', { role: 'user', templates: ['fs-1', 'd*'] }, root)
    expect([...use(world, text).scopes]).not.toContain('registry:write')
    expect(use(world, text).templates?.toSorted()).toEqual(['db', 'fs-1'])
  })

  it('is bound to its networks; none named is anywhere, an empty list is nowhere', async () => {
    const world = await withUsers()
    const mint = async (cidrs: string[] | undefined) =>
      (await world.keys.create({ name: 'k', role: 'user', cidrs }, root)).text
    const [bound, free, nowhere] = [await mint(['10.0.0.0/8', '2001:db8::/32']), await mint(undefined), await mint([])]
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1'])
      expect(use(world, bound, address).kind).toBe('key')
    for (const address of ['11.0.0.1', '::1', 'nonsense', '10.0.0.1.evil', undefined]) {
      expect(await failureOf(() => use(world, bound, address))).toMatchObject({ problem: 'address' })
    }
    expect(use(world, free).kind).toBe('key')
    expect(await failureOf(() => use(world, nowhere, '10.0.0.1'))).toMatchObject({ problem: 'address' })
  })
})

describe('rotating an API key', () => {
  it('keeps the old secret for a day, the newest two only, and renews the life', async () => {
    const world = await withUsers()
    const anna = as(world, 'anna')
    const first = await world.keys.create({ name: 'k', role: 'user', lifetimeMs: 10 * DAY }, anna)
    world.clock.advance(5 * DAY)
    const second = await world.keys.rotate(first.key.id, anna)
    expect(second.key).toMatchObject({ id: first.key.id, expiresAt: new Date(START + 15 * DAY) })
    expect(second.key.overlapUntil).toEqual(new Date(START + 6 * DAY))
    for (const { text } of [first, second]) expect(use(world, text).kind).toBe('key')
    world.clock.advance(DAY)
    expect(await failureOf(() => use(world, first.text))).toMatchObject({ problem: 'expired' })
    const third = await world.keys.rotate(first.key.id, anna)
    const fourth = await world.keys.rotate(first.key.id, anna)
    expect(await failureOf(() => use(world, second.text))).toMatchObject({ problem: 'unknown' })
    for (const { text } of [third, fourth]) expect(use(world, text).kind).toBe('key')
    expect(fourth.key.expiresAt).toEqual(new Date(START + 16 * DAY))
  })

  it('ends the old secret at once when asked to', async () => {
    const world = await withUsers()
    const { key, text } = await world.keys.create({ name: 'k', role: 'user' }, root)
    await world.keys.rotate(key.id, root, { overlapMs: 0 })
    expect(await failureOf(() => use(world, text))).toMatchObject({ problem: 'unknown' })
    expect(await failureOf(() => world.keys.rotate(key.id, root, { overlapMs: 8 * DAY }))).toMatchObject({
      code: 'AUTH_INVALID',
    })
  })

  it('gives nobody a credential with more rights than they have, and revives nothing', async () => {
    const world = await withUsers()
    await world.users.create({ name: 'carl', role: 'admin' }, root)
    const { key } = await world.keys.create({ name: 'k', scopes: ['registry:exec'] }, root)
    expect(await failureOf(() => world.keys.rotate(key.id, as(world, 'carl')))).toMatchObject({
      code: 'AUTH_FORBIDDEN',
    })
    await world.keys.revoke(key.id, as(world, 'carl'))
    expect(await failureOf(() => world.keys.rotate(key.id, root))).toMatchObject({ code: 'AUTH_FORBIDDEN' })
  })
})

describe('keys of others', () => {
  it('are not there, except for keys:admin', async () => {
    const world = await withUsers()
    const mine = await world.keys.create({ name: 'mine', role: 'user' }, as(world, 'anna'))
    const bert = as(world, 'bert')
    expect(await world.keys.list(bert)).toEqual([])
    expect(await failureOf(() => world.keys.revoke(mine.key.id, bert))).toMatchObject({ code: 'AUTH_KEY_NOT_FOUND' })
    expect(await failureOf(() => world.keys.rotate(mine.key.id, bert))).toMatchObject({ code: 'AUTH_KEY_NOT_FOUND' })
    expect((await world.keys.list(root)).map(({ name }: ApiKeyView) => name)).toEqual(['mine'])
    await world.keys.revoke(mine.key.id, root)
    expect((await world.keys.list(as(world, 'anna')))[0]?.revokedAt).toEqual(new Date(START))
  })
})

describe('the use of a key', () => {
  it('is known to five minutes, written in batches', async () => {
    const world = await withUsers()
    const { key, text } = await world.keys.create({ name: 'k', role: 'user' }, root)
    world.clock.advance(7 * MINUTE)
    use(world, text)
    use(world, text)
    const flush = () => world.keyUse.flush({ directory: world.directory, keys: world.keys, by: root })
    await flush()
    expect((await world.keys.list(root)).find(({ id }) => id === key.id)?.lastUsedAt).toEqual(
      new Date(START + 5 * MINUTE),
    )
  })

  it('moves its hash to the pepper of a new master key', async () => {
    const old = MasterKey.generate()
    const world = await makeWorld({ ring: new MasterKeyRing(MasterKey.generate(), [old]) })
    const oldHasher = new KeyHasher(new MasterKeyRing(old).derive('api-key-pepper'))
    const { key, text } = await world.keys.create({ name: 'k', role: 'user' }, root)
    const stored = world.directory.state.keys.get(key.id)?.secrets[0]
    const secret = text.slice(18, 18 + 43)
    await world.keys.replaceSecretHash(key.id, stored?.hash ?? '', oldHasher.hash(secret), root)
    expect(world.directory.state.keys.get(key.id)?.secrets[0]?.pepper).toBe(old.id)
    expect(use(world, text).kind).toBe('key')
    await world.keyUse.flush({ directory: world.directory, keys: world.keys, by: root })
    expect(world.directory.state.keys.get(key.id)?.secrets[0]).toEqual(stored)
    expect(use(world, text).kind).toBe('key')
  })
})
