import type { AuditEvent } from '../audit/event.js'
import { auditEvent } from '../audit/event.js'
import { applyChanges, emptyIdentity, type IdentityChange, type IdentityState } from '../identity/state.js'
import type { IdentityStore } from '../identity/store.js'
import type { User } from '../identity/user.js'
import type { ApiKey } from '../keys/api-key.js'
import { type ConformanceKit, codeOf, type StoreFixture, storeTests } from './kit.js'

const AT = new Date('2026-11-22T10:00:00.123Z')
const LATER = new Date('2026-11-23T10:00:00.456Z')

const ANNA: User = {
  name: 'anna',
  role: 'admin',
  scopes: ['registry:exec'],
  templates: ['fs-*'],
  tools: [],
  disabled: false,
  epoch: 1_795_000_000_000,
  createdAt: AT,
  updatedAt: LATER,
}
const BERT: User = { name: 'bert', role: 'user', scopes: [], disabled: true, epoch: 1, createdAt: AT, updatedAt: AT }
const KEY: ApiKey = {
  id: 'k00000000001',
  name: 'CI – größer',
  owner: 'user:anna',
  role: 'user',
  scopes: ['tools:call'],
  templates: [],
  tools: ['read_*'],
  cidrs: ['10.0.0.0/8'],
  secrets: [
    { hash: 'new', pepper: 'p2', createdAt: LATER },
    { hash: 'old', pepper: 'p1', createdAt: AT, expiresAt: LATER },
  ],
  createdAt: AT,
  expiresAt: LATER,
}
const PLAIN_KEY: ApiKey = {
  id: 'k00000000002',
  name: 'plain',
  owner: 'local-admin',
  scopes: [],
  secrets: [],
  createdAt: AT,
}

/** What a fixture of this suite may show besides the store. */
export interface IdentityStoreFixture extends StoreFixture<IdentityStore> {
  /** The audit events that were written, for stores that keep them. */
  readonly audit?: (() => Promise<readonly AuditEvent[]>) | undefined
}

/** Registers the tests that every `IdentityStore` must pass. `makeFixture` is called once per test. */
export function identityStoreConformance(kit: ConformanceKit, makeFixture: () => Promise<IdentityStoreFixture>): void {
  const { describe, expect } = kit
  const test = storeTests<IdentityStore, IdentityStoreFixture>(kit, makeFixture)

  describe('IdentityStore', () => {
    test('is empty at version 0 at first', async (store) => {
      expect(plain(await store.load())).toEqual(plain(emptyIdentity))
      expect(await store.changesSince(0)).toEqual({ version: 0, full: false, changes: [] })
      expect(await store.passwordHash('anna')).toEqual(undefined)
    })

    test('gives back users, keys and revocations as they were written', async (store, { reopen }) => {
      expect(await store.commit(ALL, 0, event('a'))).toEqual(1)
      const wanted = plain(applyChanges(emptyIdentity, ALL, 1))
      expect(plain(await store.load())).toEqual(wanted)
      if (reopen !== undefined) expect(plain(await (await reopen()).load())).toEqual(wanted)
    })

    test('tells what became different after a version, so that applying it gives the same state', async (store) => {
      await store.commit(ALL, 0, event('a'))
      const before = await store.load()
      const promoted = { ...BERT, disabled: false, epoch: 2 }
      const changes: IdentityChange[] = [
        { op: 'put-user', user: promoted },
        { op: 'delete-user', name: 'anna' },
        { op: 'put-key', key: { ...KEY, revokedAt: LATER } },
        { op: 'delete-key', id: PLAIN_KEY.id },
      ]
      await store.commit(changes, 1, event('b'))
      const since = await store.changesSince(1)
      const after = applyChanges(since.full ? emptyIdentity : before, since.changes, since.version)
      expect(plain(after)).toEqual(plain(await store.load()))
      expect(plain(after)).toEqual(plain(applyChanges(before, changes, 2)))
    })

    test('tells a reader from long ago everything that it needs', async (store) => {
      await store.commit(ALL, 0, event('a'))
      await store.commit([{ op: 'delete-user', name: 'anna' }], 1, event('b'))
      const since = await store.changesSince(0)
      const after = applyChanges(emptyIdentity, since.changes, since.version)
      expect(plain(after)).toEqual(plain(await store.load()))
    })

    test('refuses a change that was decided on another version, and writes nothing of it', async (store, { audit }) => {
      await store.commit(ALL, 0, event('a'))
      expect(await codeOf(store.commit([{ op: 'delete-user', name: 'anna' }], 0, event('b')))).toEqual('AUTH_STALE')
      expect(await codeOf(store.commit([{ op: 'delete-user', name: 'anna' }], 2, event('c')))).toEqual('AUTH_STALE')
      expect((await store.load()).users.has('anna')).toEqual(true)
      if (audit !== undefined) expect((await audit()).map(({ action }) => action)).toEqual(['a'])
    })

    test('lets exactly one of two writers at the same time through', async (store, { reopen }) => {
      const other = reopen === undefined ? store : await reopen()
      const writes = [store, other].map((writer, index) =>
        codeOf(writer.commit([{ op: 'put-user', user: { ...BERT, epoch: index } }], 0, event(`w${index}`))),
      )
      const outcomes = await Promise.all(writes)
      expect(outcomes.filter((code) => code === undefined).length).toEqual(1)
      expect(outcomes.filter((code) => code === 'AUTH_STALE').length).toEqual(1)
      expect((await store.load()).version).toEqual(1)
    })

    test('keeps a password hash apart, until it is replaced or its user goes', async (store) => {
      await store.commit([{ op: 'put-user', user: ANNA, passwordHash: 'h1' }], 0, event('a'))
      await store.commit([{ op: 'put-user', user: { ...ANNA, epoch: ANNA.epoch + 1 } }], 1, event('b'))
      expect(await store.passwordHash('anna')).toEqual('h1')
      await store.replacePasswordHash('anna', 'other', 'h2')
      expect(await store.passwordHash('anna')).toEqual('h1')
      await store.replacePasswordHash('anna', 'h1', 'h2')
      expect(await store.passwordHash('anna')).toEqual('h2')
      expect((await store.load()).version).toEqual(2)
      await store.commit([{ op: 'delete-user', name: 'anna' }], 2, event('c'))
      expect(await store.passwordHash('anna')).toEqual(undefined)
      await store.commit([{ op: 'put-user', user: ANNA }], 3, event('d'))
      expect(await store.passwordHash('anna')).toEqual(undefined)
    })

    test('takes a user back who was deleted before', async (store) => {
      await store.commit([{ op: 'put-user', user: BERT }], 0, event('a'))
      await store.commit([{ op: 'delete-user', name: 'bert' }], 1, event('b'))
      await store.commit([{ op: 'put-user', user: { ...BERT, epoch: 9 } }], 2, event('c'))
      expect((await store.load()).users.get('bert')?.epoch).toEqual(9)
    })

    test('notes the latest use of a key without a new version', async (store) => {
      await store.commit([{ op: 'put-key', key: KEY }], 0, event('a'))
      await store.recordUse(
        new Map([
          [KEY.id, LATER],
          ['unknown', AT],
        ]),
      )
      await store.recordUse(new Map([[KEY.id, AT]]))
      expect(await store.lastUses()).toEqual(new Map([[KEY.id, LATER]]))
      await store.commit([{ op: 'put-key', key: { ...KEY, name: 'renamed' } }], 1, event('b'))
      expect(await store.lastUses()).toEqual(new Map([[KEY.id, LATER]]))
    })

    test('sweeps what has ended: keys and revocations', async (store) => {
      await store.commit(ALL, 0, event('a'))
      await store.sweep(new Date(LATER.getTime() + 1))
      const { keys, revokedTokens, users } = await store.load()
      expect([...keys.keys()]).toEqual([PLAIN_KEY.id])
      expect(revokedTokens.size).toEqual(0)
      expect(users.size).toEqual(2)
    })

    test('writes the audit record with its change', async (store, { audit }) => {
      if (audit === undefined) return
      await store.commit([{ op: 'put-user', user: BERT }], 0, event('user.create'))
      expect((await audit()).map(({ action, actor }) => [action, actor])).toEqual([['user.create', 'local-admin']])
    })
  })
}

const ALL: readonly IdentityChange[] = [
  { op: 'put-user', user: ANNA, passwordHash: 'hash' },
  { op: 'put-user', user: BERT },
  { op: 'put-key', key: KEY },
  { op: 'put-key', key: PLAIN_KEY },
  { op: 'revoke-token', id: 'jti-1', expiresAt: LATER },
]

function event(action: string): AuditEvent {
  return auditEvent({ at: AT, actor: 'local-admin', action })
}

/** JSON, in one order: absent and undefined members are the same, and maps are compared by content. */
function plain(state: IdentityState): unknown {
  const sorted = <V>(map: ReadonlyMap<string, V>): unknown[] => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  const { version, users, keys, revokedTokens } = state
  return JSON.parse(
    JSON.stringify({ version, users: sorted(users), keys: sorted(keys), revoked: sorted(revokedTokens) }),
  )
}
