import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type InstanceSpec, MemoryRegistryStore, parseRegistryFile, Registry, stateOperations } from '../src/index.js'
import { body, by, http, makeRegistry } from './support.js'

function spec(template: string, id: string | undefined, port: number, weight = 1): InstanceSpec {
  const attach = { kind: 'http', url: `http://127.0.0.1:${port}`, transport: 'auto', headers: {} } as const
  return { template, ...(id === undefined ? {} : { id }), attach, protocol: 'auto', weight, metadata: {} }
}

const FILE = 'file:/etc/registry.json'

describe('reconcile', () => {
  it('adds, changes and removes what the source holds, in one commit', async () => {
    const { registry } = makeRegistry()
    await registry.reconcile('docker', [spec('fs', 'a', 1), spec('fs', 'b', 2)], by)
    const done = await registry.reconcile('docker', [spec('fs', 'b', 2, 5), spec('web', 'c', 3)], by)
    expect(done).toMatchObject({
      added: [{ template: 'web', id: 'c' }],
      changed: [{ template: 'fs', id: 'b' }],
      removed: [{ template: 'fs', id: 'a' }],
      conflicts: [],
    })
    expect(registry.state.version).toBe(2)
  })

  it('removes only what the same source once added, and templates that are left with nothing', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(9, { id: 'mine' })), { by })
    await registry.reconcile('docker', [spec('fs', 'a', 1), spec('web', 'c', 3)], by)
    await registry.reconcile('docker', [], by)
    expect([...registry.state.templates.keys()]).toEqual(['fs'])
    expect(registry.requireTemplate('fs').instances.map((instance) => instance.id)).toEqual(['mine'])
  })

  it('reports an id of another source and leaves it alone', async () => {
    const { registry, events } = makeRegistry()
    await registry.register(body('fs', http(9, { id: 'a' })), { by })
    const { conflicts } = await registry.reconcile('docker', [spec('fs', 'a', 1), spec('fs', 'b', 2)], by)
    expect(conflicts).toMatchObject([{ template: 'fs', id: 'a', reason: 'other-source', owner: 'api' }])
    expect(registry.requireInstance('fs', 'a').source).toBe('api')
    expect(registry.findInstance('fs', 'b')).toBeDefined()
    expect(events).toContainEqual(expect.objectContaining({ type: 'conflict', source: 'docker' }))
  })

  it('lets a file win over the API, with a warning, and keeps the override', async () => {
    const { registry, events } = makeRegistry()
    await registry.register(body('fs', http(9, { id: 'a' })), { by })
    await registry.updateInstance('fs', 'a', { weight: 7 }, by)
    const { changed, conflicts } = await registry.reconcile(FILE, [spec('fs', 'a', 1, 3)], by)
    expect({ changed, conflicts }).toEqual({ changed: [{ template: 'fs', id: 'a' }], conflicts: [] })
    expect(registry.requireInstance('fs', 'a')).toMatchObject({ source: FILE, weight: 7, declaredWeight: 3 })
    expect(events).toContainEqual({
      type: 'takeover',
      source: FILE,
      template: 'fs',
      instanceId: 'a',
      previousSource: 'api',
    })
  })

  it('does not let one file take from another', async () => {
    const { registry } = makeRegistry()
    await registry.reconcile('file:/a', [spec('fs', 'a', 1)], by)
    const { conflicts } = await registry.reconcile('file:/b', [spec('fs', 'a', 2)], by)
    expect(conflicts).toMatchObject([{ owner: 'file:/a' }])
  })

  it('recognises entries without an id by where they lead', async () => {
    const { registry } = makeRegistry()
    const ids = () =>
      registry.requireTemplate('fs').instances.map(({ id, attach }) => [id, 'url' in attach && attach.url.at(-1)])
    await registry.reconcile(FILE, [spec('fs', undefined, 1), spec('fs', undefined, 2)], by)
    const done = await registry.reconcile(FILE, [spec('fs', undefined, 2), spec('fs', undefined, 3)], by)
    expect(done).toMatchObject({ added: [], changed: [{ id: 'fs-1' }], removed: [] })
    expect(ids()).toEqual([
      ['fs-1', '3'],
      ['fs-2', '2'],
    ])
  })

  it('lets two entries with one URL find themselves again, whatever their order was at first', async () => {
    const { registry } = makeRegistry()
    const entries = [0, 1].map((weight) => spec('a', undefined, 1, weight))
    await registry.reconcile('docker', [spec('a', 'y', 1, 0)], by)
    await registry.reconcile('docker', entries, by)
    expect(await registry.reconcile('docker', entries, by)).toMatchObject({ added: [], changed: [], removed: [] })
  })

  it('reports duplicates and invalid entries and applies the others', async () => {
    const { registry } = makeRegistry()
    const bad = { ...spec('Bad', 'a', 1), weight: Number.NaN }
    const { conflicts, added } = await registry.reconcile('docker', [spec('fs', 'a', 1), spec('fs', 'a', 2), bad], by)
    expect(added).toEqual([{ template: 'fs', id: 'a' }])
    expect(conflicts).toMatchObject([
      { template: 'Bad', reason: 'invalid', message: expect.stringMatching(/template: .*weight: /) },
      { template: 'fs', id: 'a', reason: 'duplicate' },
    ])
  })

  it('only says what would happen in a dry run', async () => {
    const { registry, events } = makeRegistry()
    const before = registry.state
    const plan = await registry.reconcile('docker', [spec('fs', 'a', 1)], by, { dryRun: true })
    expect(plan.added).toEqual([{ template: 'fs', id: 'a' }])
    expect(registry.state).toBe(before)
    expect(events).toEqual([])
  })
})

describe('settings that a file declares', () => {
  const declare = (registry: Registry, ...names: string[]) =>
    registry.reconcile(FILE, [], by, {
      templates: names.map((name) => ({ name, settings: { strategy: 'weighted', maxRetries: 1 } })),
    })

  it('make the template exist and go when the file forgets it', async () => {
    const { registry } = makeRegistry()
    expect(await declare(registry, 'fs', 'web')).toMatchObject({ templates: ['fs', 'web'] })
    expect(await declare(registry, 'fs')).toMatchObject({ templates: ['web'] })
    expect([...registry.state.templates.keys()]).toEqual(['fs'])
  })

  it('lie below what a PATCH set, which survives the reload and can be reset', async () => {
    const { registry } = makeRegistry()
    await declare(registry, 'fs')
    await registry.updateTemplate('fs', { load_balancer: { strategy: 'random' } }, by)
    await declare(registry, 'fs')
    expect(registry.requireTemplate('fs').settings).toEqual({ strategy: 'random', maxRetries: 1 })
    await registry.updateTemplate('fs', { load_balancer: { strategy: null } }, by)
    expect(registry.requireTemplate('fs').settings).toEqual({ strategy: 'weighted', maxRetries: 1 })
  })

  it('belong to one file', async () => {
    const { registry } = makeRegistry()
    await declare(registry, 'fs')
    const other = await registry.reconcile('file:/b', [], by, { templates: [{ name: 'fs', settings: {} }] })
    expect(other.conflicts).toMatchObject([{ template: 'fs', reason: 'other-source', owner: FILE }])
  })

  it('lose an alias that another template has', async () => {
    const { registry } = makeRegistry()
    const templates = ['fs', 'web'].map((name) => ({ name, settings: { alias: 'x', maxRetries: 1 } }))
    const { conflicts } = await registry.reconcile(FILE, [], by, { templates })
    expect(conflicts).toMatchObject([{ template: 'web', reason: 'alias' }])
    expect(registry.requireTemplate('web').settings).toEqual({ maxRetries: 1 })
  })
})

describe('properties of reconcile', () => {
  const anySpec = fc
    .record({
      template: fc.constantFrom('a', 'b'),
      id: fc.constantFrom(undefined, 'x', 'y', 'z'),
      port: fc.integer({ min: 1, max: 4 }),
      weight: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ template, id, port, weight }) => spec(template, id, port, weight))
  const anyStep = fc.record({
    source: fc.constantFrom('docker', 'file:/a', 'file:/b'),
    specs: fc.array(anySpec, { maxLength: 6 }),
  })

  it('a second time changes nothing; other sources keep theirs; no state is ever mutated; stores follow', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 8 }), async (steps) => {
        const store = new MemoryRegistryStore()
        let clock = 0
        const registry = new Registry({ store, now: () => ++clock })
        await registry.register(body('a', http(9, { id: 'x' })), { by })
        const history: [unknown, string][] = []
        registry.subscribe((state) => history.push([state, JSON.stringify(stateOperations(state))]))
        for (const { source, specs } of steps) {
          const before = registry.state
          await registry.reconcile(source, specs, by)
          const version = registry.state.version
          const again = await registry.reconcile(source, specs, by)
          expect(again).toMatchObject({ added: [], changed: [], removed: [], templates: [] })
          expect(registry.state.version).toBe(version)
          for (const template of before.templates.values()) {
            for (const instance of template.instances) {
              if (instance.source === source || (instance.source === 'api' && source.startsWith('file:'))) continue
              expect(registry.findInstance(instance.template, instance.id)).toBe(instance)
            }
          }
        }
        const follower = new Registry({ store })
        await follower.load()
        expect(stateOperations(follower.state)).toEqual(stateOperations(registry.state))
        for (const [state, text] of history) {
          expect(JSON.stringify(stateOperations(state as typeof registry.state))).toBe(text)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('freezes what it hands out', async () => {
    const { registry } = makeRegistry()
    const metadata = { nested: { list: [1] } }
    await registry.register(body('fs', http(1, { id: 'a', metadata })), { by })
    const instance = registry.requireInstance('fs', 'a')
    expect(() => Object.assign(instance.metadata['nested'] as object, { x: 1 })).toThrow(TypeError)
    expect(Object.isFrozen(metadata)).toBe(false)
  })
})

describe('import', () => {
  const document = {
    templates: { fs: { instances: [{ id: 'a', endpoint: 'http://127.0.0.1:1' }], load_balancer: { max_retries: 1 } } },
  }

  it('applies a whole document in one commit, and nothing the second time', async () => {
    const { registry } = makeRegistry()
    expect(await registry.import(document, by)).toMatchObject({ added: [{ id: 'a' }], changed: [], unchanged: [] })
    expect(await registry.import(document, by)).toMatchObject({ added: [], changed: [], unchanged: [{ id: 'a' }] })
    expect(registry.state.version).toBe(1)
    expect(registry.requireTemplate('fs').settings).toEqual({ maxRetries: 1 })
  })

  it('applies nothing of a document with a fault', async () => {
    const { registry } = makeRegistry()
    const bad = { templates: { ...document.templates, web: { instances: [{ endpoint: 'ftp://x' }] } } }
    await expect(registry.import(bad, by)).rejects.toMatchObject({
      code: 'REGISTRY_INVALID',
      errors: [{ path: 'templates.web.instances[0].endpoint' }],
    })
    expect(registry.state.version).toBe(0)
  })

  it('applies nothing when an id belongs to another source', async () => {
    const { registry } = makeRegistry()
    await registry.reconcile('docker', [spec('web', 'w', 1)], by)
    const clash = {
      templates: { ...document.templates, web: { instances: [{ id: 'w', endpoint: 'http://127.0.0.1:2' }] } },
    }
    await expect(registry.import(clash, by)).rejects.toMatchObject({ code: 'REGISTRY_CONFLICT', owner: 'docker' })
    expect(registry.findTemplate('fs')).toBeUndefined()
  })

  it('takes mcp.json twice without making a second instance, and tells its plan in a dry run', async () => {
    const { registry } = makeRegistry()
    const mcp = { mcpServers: { files: { command: 'npx', args: ['-y', 'x'] } } }
    expect(await registry.import(mcp, by, { dryRun: true })).toMatchObject({ added: [{ id: 'files-1' }] })
    expect(registry.state.version).toBe(0)
    await registry.import(mcp, by)
    expect(await registry.import(mcp, by)).toMatchObject({
      added: [],
      unchanged: [{ template: 'files', id: 'files-1' }],
    })
  })
})

it('a parsed file reconciles as it stands', async () => {
  const { registry } = makeRegistry()
  const file = parseRegistryFile({ templates: { empty: {}, fs: { instances: [{ command: 'node a.js' }] } } }, 'r.json')
  const done = await registry.reconcile(FILE, file.specs, by, { templates: file.templates })
  expect(done).toMatchObject({ added: [{ template: 'fs', id: 'fs-1' }], templates: ['empty', 'fs'] })
})
