import type { AuditEvent, IdentityChange, IdentityStore, User } from '@mcp-platform/auth'
import type { RegistryDiff, RegistryStore } from '@mcp-platform/core-registry'
import type { UnitOfChanges, UnitOfWork } from '../unit-of-work.js'
import type { ConformanceKit } from './idempotency-store-conformance.js'

/** An empty unit of work for one test, and the stores of its halves on the same data. */
export interface UnitOfWorkFixture {
  readonly unit: UnitOfWork
  readonly registry: RegistryStore
  readonly identity: IdentityStore
  /** The actions of all audit records, in any order. Absent: none are kept. */
  audit?(): Promise<readonly string[]>
  /** Releases what the fixture holds. */
  close?(): Promise<void>
}

/** A unit of work on a database that can be made to fail. */
export interface RefusingFixture extends UnitOfWorkFixture {
  /** Makes the database itself refuse every row of this half, by a trigger or a constraint, until what it gives is called. */
  refuse(half: 'registry' | 'identity' | 'audit'): Promise<() => Promise<void>>
}

/** Registers the tests that every `UnitOfWork` must pass. `makeUnit` is called once per test. */
export function unitOfWorkConformance(kit: ConformanceKit, makeUnit: () => Promise<UnitOfWorkFixture>): void {
  const { describe, expect } = kit
  const test = unitTests(kit, makeUnit)

  describe('UnitOfWork', () => {
    test('makes both halves, with their versions and audit records', async (fixture) => {
      const { unit, registry, identity } = fixture
      const versions = await unit.commit(unitOf({}))
      expect(await held(fixture)).toEqual(all(fixture, ['files'], ['eve'], ['registry.import', 'user.import']))
      expect(await identity.passwordHash('eve')).toEqual('hash of eve')
      const [changes, users] = [await registry.changesSince(versions.registry), await identity.changesSince(0)]
      expect([changes.operations, changes.full]).toEqual([[], false])
      expect(users.version >= versions.identity).toEqual(true)
    })

    test('goes on from the versions that it gave, in one half or in both', async (fixture) => {
      const { unit, registry, identity } = fixture
      const first = await unit.commit(unitOf({}))
      const bob: IdentityChange = { op: 'put-user', user: user('bob') }
      const next = await identity.commit([bob], first.identity, event('user.create'))
      const { version } = await registry.changesSince(first.registry)
      const last = await unit.commit(unitOf({ expected: version, users: 'carl', template: 'web', known: next }))
      expect(last.registry > first.registry && last.identity > next).toEqual(true)
      expect((await held(fixture)).users.toSorted()).toEqual(['bob', 'carl', 'eve'])
      expect((await held(fixture)).templates.toSorted()).toEqual(['files', 'web'])
    })

    test('makes nothing of either when the registry has changed since', async (fixture) => {
      const { unit, registry } = fixture
      await registry.commit(diffOf('before', undefined), BY)
      expect(await codeOf(unit.commit(unitOf({ expected: 0 })))).toEqual('REGISTRY_STALE')
      expect(await held(fixture)).toEqual(all(fixture, ['before'], [], ['registry.import']))
    })

    test('makes nothing of either when users have changed since, the half that was written first included', async (fixture) => {
      const { unit, identity, registry } = fixture
      await identity.commit([{ op: 'put-user', user: user('bob') }], 0, event('user.create'))
      const { version } = await registry.load()
      expect(await codeOf(unit.commit(unitOf({ expected: version, known: 0 })))).toEqual('AUTH_STALE')
      expect(await held(fixture)).toEqual(all(fixture, [], ['bob'], ['user.create']))
    })

    test('lets exactly one of two at the same time through, whole', async (fixture) => {
      const { unit } = fixture
      const outcomes = await Promise.all(
        ['a', 'b'].map((name) => codeOf(unit.commit(unitOf({ template: name, users: name })))),
      )
      expect(outcomes.filter((code) => code === undefined).length).toEqual(1)
      const { templates, users } = await held(fixture)
      expect([templates.length, users]).toEqual([1, templates])
    })
  })
}

/** Registers the tests of a `UnitOfWork` on a database: what it refuses in the middle leaves nothing. `makeUnit` is called once per test. */
export function refusedUnitConformance(kit: ConformanceKit, makeUnit: () => Promise<RefusingFixture>): void {
  const { describe, expect } = kit
  const test = unitTests(kit, makeUnit)

  describe('UnitOfWork', () => {
    for (const half of ['registry', 'identity', 'audit'] as const) {
      test(`makes nothing of either when the database refuses the rows of ${half}, and all of both once it does not`, async (fixture) => {
        const before = await fixture.registry.load()
        const allow = await fixture.refuse(half)
        expect((await codeOf(fixture.unit.commit(unitOf({})))) === undefined).toEqual(false)
        expect(await held(fixture)).toEqual(all(fixture, [], [], []))
        expect((await fixture.registry.load()).version).toEqual(before.version)
        await allow()
        await fixture.unit.commit(unitOf({}))
        expect(await held(fixture)).toEqual(all(fixture, ['files'], ['eve'], ['registry.import', 'user.import']))
      })
    }
  })
}

function unitTests<F extends UnitOfWorkFixture>({ it }: ConformanceKit, makeUnit: () => Promise<F>) {
  return (name: string, body: (fixture: F) => Promise<void>): unknown =>
    it(name, async () => {
      const fixture = await makeUnit()
      try {
        await body(fixture)
      } finally {
        await fixture.close?.()
      }
    })
}

/** What there is of either half: templates, users and audit records. */
async function held({ registry, identity, audit }: UnitOfWorkFixture) {
  return {
    templates: [...(await registry.load()).templates.keys()],
    users: [...(await identity.load()).users.keys()],
    audit: audit === undefined ? undefined : (await audit()).toSorted(),
  }
}

function all(fixture: UnitOfWorkFixture, templates: string[], users: string[], audit: string[]) {
  return { templates, users, audit: fixture.audit === undefined ? undefined : audit }
}

const BY = { actor: 'local-admin', requestId: 'r-1' }
const AT = new Date('2026-11-22T10:00:00.123Z')

interface Wanted {
  readonly template?: string
  readonly users?: string
  /** Version of the registry on which it was decided. */
  readonly expected?: number
  /** Version of the users on which it was decided. */
  readonly known?: number
}

function unitOf({ template = 'files', users = 'eve', expected = 0, known = 0 }: Wanted): UnitOfChanges {
  const changes: IdentityChange[] = [{ op: 'put-user', user: user(users), passwordHash: `hash of ${users}` }]
  return {
    registry: { diff: diffOf(template, expected), by: BY },
    identity: { changes, expectedVersion: known, audit: event('user.import') },
  }
}

function diffOf(name: string, expectedVersion: number | undefined): RegistryDiff {
  const operations = [{ op: 'put-template', template: { name, settings: { maxRetries: 1 } } } as const]
  return { operations, action: 'registry.import', expectedVersion }
}

function user(name: string): User {
  return { name, role: 'user', scopes: [], disabled: false, epoch: 1, createdAt: AT, updatedAt: AT }
}

let events = 0

function event(action: string): AuditEvent {
  events += 1
  const id = `${action}-${events}`
  return { id, at: AT, actor: BY.actor, action, outcome: 'success', count: 1, details: {} }
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
    return undefined
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error ? error.code : 'an error without a code'
  }
}
