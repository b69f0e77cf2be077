import type { Instance, RegistryState } from './model.js'
import { Registry } from './registry.js'
import { applyChanges, applyOperations, EMPTY_STATE, inStableOrder } from './state.js'
import type { RegistryOperation, RegistryStore } from './store.js'

/** What the suite needs of a matcher; jest's and vitest's have it. */
export interface Matcher {
  toBe(expected: unknown): void
  toEqual(expected: unknown): void
}

/** The functions of a test framework. */
export interface TestFramework {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>) => unknown
  readonly expect: (actual: unknown) => Matcher
}

/** A fresh, empty store, and how to end it. */
export interface StoreUnderTest {
  readonly store: RegistryStore
  /** Another store on the same data, as a second process would open it. Absent: the same object is used. */
  readonly reopen?: (() => Promise<RegistryStore>) | undefined
  close(): Promise<void>
}

const by = { actor: 'conformance', requestId: 'r-1', address: '127.0.0.1' }

/** An instance in which every field is set, with text that a narrow column or encoding would spoil. */
const FULL: Instance = {
  template: 'files',
  id: 'files-1',
  attach: {
    kind: 'http',
    url: 'https://example.test/mcp?a=1&b=%20',
    transport: 'sse',
    headers: { authorization: 'Bearer s3cret', 'x-note': 'ü€' },
  },
  protocol: 'legacy',
  weight: 0.25,
  declaredWeight: 2,
  maxInFlight: 7,
  region: 'eu-west',
  metadata: { text: 'Ünïcödé 😀 \\ " \' \n', list: [1, null, true], nested: { deep: {} } },
  state: 'draining',
  source: 'file:/etc/mcp/registry.json',
  override: { weight: 0.25, state: 'draining' },
  resolvedUrl: 'https://example.test/mcp',
  generation: 1_763_800_000_123,
}
const { declaredWeight: _d, maxInFlight: _m, region: _r, resolvedUrl: _u, ...REST } = FULL
const BARE: Instance = {
  ...REST,
  id: 'Files-1',
  attach: {
    kind: 'stdio',
    command: 'node',
    args: ['server.js', '--a b', ''],
    workingDir: '/srv',
    env: { TOKEN: 'x=y' },
  },
  metadata: {},
  weight: 0,
  state: 'active',
  override: {},
}

const NAMED: Instance = { ...BARE, id: 'named', attach: { kind: 'profile', profile: 'files' } }
const LOCKED: Instance = {
  ...BARE,
  id: 'locked',
  attach: {
    kind: 'http',
    url: 'https://example.test',
    transport: 'http',
    headers: {},
    tls: { ca: 'an authority', cert: 'a certificate', key: 'a key' },
  },
}

/**
 * The behaviour every registry store must have. Call it inside a test file, with the functions of your framework:
 * `registryStoreConformance({ describe, it, expect }, async () => ({ store, close }))`.
 */
export function registryStoreConformance(framework: TestFramework, makeStore: () => Promise<StoreUnderTest>): void {
  const { describe, it, expect } = framework
  const test = (name: string, body: (subject: StoreUnderTest) => Promise<void>): void => {
    it(name, async () => {
      const subject = await makeStore()
      try {
        await body(subject)
      } finally {
        await subject.close()
      }
    })
  }

  describe('registry store', () => {
    test('begins empty at version 0', async ({ store }) => {
      expect(plain(await store.load())).toEqual(plain(EMPTY_STATE))
    })

    test('gives back what was committed, every field, to another process too', async (subject) => {
      const operations: RegistryOperation[] = [
        putTemplate('files'),
        { op: 'put-instance', instance: FULL },
        { op: 'put-instance', instance: BARE },
        { op: 'put-instance', instance: NAMED },
        { op: 'put-instance', instance: LOCKED },
      ]
      expect(await subject.store.commit({ operations, action: 'instance.register' }, by)).toBe(1)
      const expected = plain(applyOperations(EMPTY_STATE, operations, 1))
      expect(plain(await subject.store.load())).toEqual(expected)
      const other = (await subject.reopen?.()) ?? subject.store
      expect(plain(await other.load())).toEqual(expected)
    })

    test('replaces, deletes and brings back rows', async ({ store }) => {
      const steps: RegistryOperation[][] = [
        [putTemplate('files'), { op: 'put-instance', instance: FULL }],
        [{ op: 'put-instance', instance: { ...BARE, id: FULL.id } }],
        [{ op: 'delete-instance', template: 'files', id: FULL.id }],
        [{ op: 'delete-template', name: 'files' }],
        [putTemplate('files'), { op: 'put-instance', instance: FULL }],
      ]
      let expected = EMPTY_STATE
      for (const operations of steps) {
        const version = await store.commit({ operations, action: 'test' }, by)
        expected = applyOperations(expected, operations, version)
        expect(plain(await store.load())).toEqual(plain(expected))
      }
    })

    test('deletes the instances of a deleted template', async ({ store }) => {
      await store.commit(
        { operations: [putTemplate('files'), { op: 'put-instance', instance: FULL }], action: 't' },
        by,
      )
      await store.commit({ operations: [{ op: 'delete-template', name: 'files' }], action: 't' }, by)
      await store.commit({ operations: [putTemplate('files')], action: 't' }, by)
      expect((await store.load()).templates.get('files')?.instances).toEqual([])
    })

    test('tells what changed since any earlier version', async ({ store }) => {
      const states: RegistryState[] = [await store.load()]
      for (const operations of script()) {
        await store.commit({ operations, action: 'test' }, by)
        states.push(await store.load())
      }
      const last = plain(await store.load())
      for (const state of states) {
        expect(plain(applyChanges(state, await store.changesSince(state.version)))).toEqual(last)
      }
    })

    test('has nothing to tell when nothing changed', async ({ store }) => {
      const version = await store.commit({ operations: [putTemplate('files')], action: 'test' }, by)
      expect(await store.changesSince(version)).toEqual({ version, full: false, operations: [] })
    })

    test('sends everything to whoever claims a version from the future', async ({ store }) => {
      await store.commit({ operations: [putTemplate('files')], action: 'test' }, by)
      const changes = await store.changesSince(99)
      expect(changes.full).toBe(true)
      expect(plain(applyChanges(EMPTY_STATE, changes))).toEqual(plain(await store.load()))
    })

    test('refuses a change that was decided on another version, and applies nothing of it', async ({ store }) => {
      await store.commit({ operations: [putTemplate('files')], action: 'test', expectedVersion: 0 }, by)
      const late = store.commit({ operations: [putTemplate('other')], action: 'test', expectedVersion: 0 }, by)
      expect(await codeOf(late)).toBe('REGISTRY_STALE')
      const state = await store.load()
      expect([state.version, [...state.templates.keys()]]).toEqual([1, ['files']])
    })

    test('numbers the commits of racing writers without a gap and loses none', async (subject) => {
      const other = (await subject.reopen?.()) ?? subject.store
      const versions = await Promise.all(
        Array.from({ length: 20 }, (_, i) => {
          const diff = { operations: [putTemplate(`t-${i}`)], action: 'test' }
          return (i % 2 === 0 ? subject.store : other).commit(diff, by)
        }),
      )
      expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
      expect((await subject.store.load()).templates.size).toBe(20)
    })

    test('carries two registries that register at the same time', async (subject) => {
      const other = (await subject.reopen?.()) ?? subject.store
      const registries = [new Registry({ store: subject.store }), new Registry({ store: other })] as const
      const jobs = Array.from({ length: 10 }, (_, i) => {
        const instance = { endpoint: `http://127.0.0.1:${i + 1}` }
        return registries[i % 2 === 0 ? 0 : 1].register({ template_name: 'files', instance }, { by })
      })
      const ids = (await Promise.all(jobs)).map(({ instance }) => instance.id)
      expect(new Set(ids).size).toBe(10)
      for (const registry of registries) await registry.refresh()
      expect(plain(registries[0].state)).toEqual(plain(registries[1].state))
      expect(plain(registries[0].state)).toEqual(plain(await subject.store.load()))
    })
  })
}

function putTemplate(name: string): RegistryOperation {
  const settings = {
    strategy: 'weighted',
    timeouts: { totalMs: 1_500 },
    failover: { tools: { read: 'safe' } },
  } as const
  const declared = { source: 'file:/etc/mcp/registry.json', settings: { strategy: 'weighted' } } as const
  const override = { timeouts: { totalMs: 1_500 }, failover: { tools: { read: 'safe' } } } as const
  return { op: 'put-template', template: { name, settings, declared, override } }
}

function script(): RegistryOperation[][] {
  return [
    [putTemplate('files'), { op: 'put-instance', instance: FULL }],
    [{ op: 'put-instance', instance: BARE }],
    [{ op: 'put-instance', instance: { ...FULL, weight: 5 } }],
    [putTemplate('web'), { op: 'put-instance', instance: { ...FULL, template: 'web' } }],
    [{ op: 'delete-instance', template: 'files', id: FULL.id }],
    [{ op: 'put-instance', instance: { ...FULL, weight: 6 } }],
    [
      { op: 'delete-instance', template: 'web', id: FULL.id },
      { op: 'delete-template', name: 'web' },
    ],
    [putTemplate('web')],
    [{ op: 'delete-template', name: 'web' }],
  ]
}

/** A state as plain values in the stable order, so that any framework's `toEqual` compares it. */
function plain(state: RegistryState): unknown {
  return { version: state.version, templates: [...inStableOrder(state).templates.values()] }
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return undefined
}
