import { describe, expect, it } from '@jest/globals'
import {
  AuditChain,
  applyChanges,
  Directory,
  IdentityStaleError,
  MemoryIdentityStore,
  Users,
  verifyChain,
} from '../src/index.js'
import { as, failureOf, makeWorld, PASSWORD, root, START } from './support/world.js'

const FORBIDDEN = { code: 'AUTH_FORBIDDEN' }

describe('making users', () => {
  it('names every fault, and takes a name once', async () => {
    const { users } = await makeWorld()
    for (const name of ['', 'Anna', 'a b', '../x', "x' OR 1=1", 'a'.repeat(65), 'ünal', '-x', '__proto__', 'a\n']) {
      expect(await failureOf(() => users.create({ name, role: 'user' }, root))).toMatchObject({ code: 'AUTH_INVALID' })
    }
    await users.create({ name: 'anna', role: 'user' }, root)
    expect(await failureOf(() => users.create({ name: 'anna', role: 'admin' }, root))).toMatchObject({
      code: 'AUTH_USER_EXISTS',
    })
    expect(users.list(root).map(({ name, role }) => [name, role])).toEqual([['anna', 'user']])
  })

  it('takes users:admin, and never gives more than the actor has', async () => {
    const world = await makeWorld()
    await world.users.create({ name: 'boss', role: 'admin' }, root)
    await world.users.create({ name: 'anna', role: 'operator' }, root)
    const make = (actor: string, wanted: object) => () =>
      world.users.create({ name: 'x', role: 'user', ...wanted }, as(world, actor))
    expect(await failureOf(make('anna', {}))).toMatchObject(FORBIDDEN)
    expect(await failureOf(make('boss', { scopes: ['registry:exec'] }))).toMatchObject(FORBIDDEN)
    await world.users.update('boss', { templates: ['fs-*'] }, root)
    expect(await failureOf(make('boss', {}))).toMatchObject(FORBIDDEN)
    expect(await make('boss', { templates: ['fs-1'] })()).toMatchObject({ name: 'x', templates: ['fs-1'] })
  })

  it('refuses a poor password before anything is written', async () => {
    const { users, directory } = await makeWorld()
    const error = await failureOf(() => users.create({ name: 'anna', role: 'user', password: 'short' }, root))
    expect(error).toMatchObject({ code: 'AUTH_PASSWORD_REFUSED', problem: 'too-short' })
    expect(directory.state.version).toBe(0)
  })
})

describe('changing users', () => {
  it('bumps the epoch with role, rights, state and password', async () => {
    const world = await makeWorld()
    const { users, directory } = world
    await users.create({ name: 'boss', role: 'admin' }, root)
    let epoch = (await users.create({ name: 'anna', role: 'user', password: PASSWORD }, root)).epoch
    const changes = [
      () => users.update('anna', { role: 'operator' }, root),
      () => users.update('anna', { scopes: ['registry:exec'] }, root),
      () => users.update('anna', { templates: [] }, root),
      () => users.update('anna', { templates: null }, root),
      () => users.update('anna', { disabled: true }, root),
      () => users.setPassword('anna', `${PASSWORD}!`, root),
    ]
    for (const change of changes) {
      await change()
      const now = directory.state.users.get('anna')?.epoch ?? 0
      expect(now).toBeGreaterThan(epoch)
      epoch = now
    }
    expect(directory.state.users.get('anna')?.templates).toBeUndefined()
  })

  it('gives a user who comes back a later epoch than before', async () => {
    const { users, clock } = await makeWorld()
    const before = await users.create({ name: 'anna', role: 'user' }, root)
    await users.delete('anna', root)
    clock.advance(1)
    expect((await users.create({ name: 'anna', role: 'user' }, root)).epoch).toBeGreaterThan(before.epoch)
  })

  it('keeps the last active administrator, whatever is tried', async () => {
    const { users } = await makeWorld()
    await users.create({ name: 'boss', role: 'admin' }, root)
    await users.create({ name: 'off', role: 'admin' }, root)
    await users.update('off', { disabled: true }, root)
    const last = { code: 'AUTH_LAST_ADMIN', user: 'boss' }
    expect(await failureOf(() => users.delete('boss', root))).toMatchObject(last)
    expect(await failureOf(() => users.update('boss', { role: 'user' }, root))).toMatchObject(last)
    expect(await failureOf(() => users.update('boss', { disabled: true }, root))).toMatchObject(last)
    await users.update('off', { disabled: false }, root)
    await users.delete('boss', root)
    expect(await failureOf(() => users.delete('off', root))).toMatchObject({ ...last, user: 'off' })
  })

  it('keeps the last administrator also when two nodes remove one each at the same time', async () => {
    const store = new MemoryIdentityStore()
    const { passwords } = await makeWorld()
    const node = () => new Users({ directory: new Directory({ store }), passwords })
    const [a, b] = [node(), node()]
    await a.create({ name: 'one', role: 'admin' }, root)
    await a.create({ name: 'two', role: 'admin' }, root)
    const outcomes = await Promise.allSettled([a.delete('one', root), b.delete('two', root)])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect((await store.load()).users.size).toBe(1)
  })

  it('lets whoever administers users stop somebody with more rights, not become them', async () => {
    const world = await makeWorld()
    await world.users.create({ name: 'boss', role: 'admin' }, root)
    await world.users.create({ name: 'exec', role: 'admin', scopes: ['registry:exec'] }, root)
    const boss = as(world, 'boss')
    expect(await failureOf(() => world.users.setPassword('exec', PASSWORD, boss))).toMatchObject(FORBIDDEN)
    await world.users.update('exec', { disabled: true }, boss)
    expect(await failureOf(() => world.users.update('exec', { disabled: false }, boss))).toMatchObject(FORBIDDEN)
    expect(await failureOf(() => world.users.update('boss', { scopes: ['registry:exec'] }, boss))).toMatchObject(
      FORBIDDEN,
    )
  })

  it('asks users for their old password before they get a new one', async () => {
    const world = await makeWorld()
    await world.users.create({ name: 'anna', role: 'user', password: PASSWORD }, root)
    const anna = as(world, 'anna')
    const set = (current: string | undefined) =>
      world.users.setPassword('anna', 'another long sentence', anna, { current })
    expect(await failureOf(() => set(undefined))).toMatchObject(FORBIDDEN)
    expect(await failureOf(() => set('wrong wrong wrong'))).toMatchObject(FORBIDDEN)
    await set(PASSWORD)
    expect(await world.passwords.verify(await world.identity.passwordHash('anna'), 'another long sentence')).toBe(true)
  })

  it('says that there is no such user', async () => {
    const { users } = await makeWorld()
    const missing = { code: 'AUTH_USER_NOT_FOUND', user: 'nobody' }
    expect(await failureOf(() => users.update('nobody', {}, root))).toMatchObject(missing)
    expect(await failureOf(() => users.delete('nobody', root))).toMatchObject(missing)
    expect(await failureOf(() => users.setPassword('nobody', PASSWORD, root))).toMatchObject(missing)
    expect(await failureOf(async () => users.require('nobody', root))).toMatchObject(missing)
  })

  it('is in the audit trail, linked, without passwords', async () => {
    const world = await makeWorld()
    await world.users.create({ name: 'anna', role: 'user', password: PASSWORD }, root)
    await world.users.update('anna', { role: 'operator' }, root)
    await world.users.setPassword('anna', `${PASSWORD} again`, root)
    const trail = await world.audit.query({ limit: 10 })
    expect(trail.map(({ action, actor, target }) => [action, actor, target])).toEqual([
      ['user.set-password', 'local-admin', 'user:anna'],
      ['user.update', 'local-admin', 'user:anna'],
      ['user.create', 'local-admin', 'user:anna'],
    ])
    expect(trail[0]).toMatchObject({ requestId: 'r-1', address: '127.0.0.1', at: new Date(START) })
    expect(JSON.stringify(trail)).not.toContain('sentence')
    const chain = new AuditChain({ node: 'n1', keys: world.ring.derive('audit-chain') })
    expect(await verifyChain(world.audit.records(), { chain })).toMatchObject({ ok: true, records: 3 })
  })
})

describe('a directory', () => {
  it('decides again on what a faster writer has written, and gives up after five lost races', async () => {
    const store = new MemoryIdentityStore()
    const directory = new Directory({ store })
    let races = 2
    const commit = store.commit.bind(store)
    store.commit = async (changes, version, audit) => {
      if (races-- > 0) throw new IdentityStaleError(version, version + 1)
      return commit(changes, version, audit)
    }
    const { passwords } = await makeWorld()
    const users = new Users({ directory, passwords })
    expect(await users.create({ name: 'anna', role: 'user' }, root)).toMatchObject({ name: 'anna' })
    races = 5
    expect(await failureOf(() => users.create({ name: 'bert', role: 'user' }, root))).toMatchObject({
      code: 'AUTH_STALE',
    })
  })

  it('sees what others write, and tells its observer when it cannot', async () => {
    const world = await makeWorld()
    const other = new Directory({ store: world.identity, onEvent: (event) => void world.events.push(event) })
    await other.load()
    await world.users.create({ name: 'anna', role: 'user' }, root)
    await other.refresh()
    expect(other.snapshot.user('anna')?.principal.id).toBe('user:anna')
    world.identity.changesSince = () => Promise.reject(new Error('down'))
    await expect(other.refresh()).rejects.toThrow('down')
    expect(world.events.at(-1)).toMatchObject({ type: 'identity-refresh-failed' })
    expect(other.snapshot.user('anna')?.principal.id).toBe('user:anna')
  })

  it('leaves the old state as it is when it makes a new one', async () => {
    const { directory, users } = await makeWorld()
    await users.create({ name: 'anna', role: 'user' }, root)
    const before = directory.state
    const after = applyChanges(before, [{ op: 'delete-user', name: 'anna' }], 9)
    expect([before.users.size, after.users.size, after.version]).toEqual([1, 0, 9])
  })
})
