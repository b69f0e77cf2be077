import { describe, expect, it } from '@jest/globals'
import { Registry, type RegistryDiff, type RegistryState } from '../src/index.js'
import { body, by, http, makeRegistry } from './support.js'

describe('register', () => {
  it('creates the template and the instance in one commit', async () => {
    const { registry } = makeRegistry()
    const { status, template, instance } = await registry.register(body('fs', http(7071, { id: 'a' })), { by })
    expect(status).toBe('created')
    expect(template.name).toBe('fs')
    expect(instance).toMatchObject({ id: 'a', source: 'api', weight: 1, state: 'active', protocol: 'auto' })
    expect(registry.state.version).toBe(1)
  })

  it('is idempotent for the same specification', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(7071, { id: 'a' })), { by })
    const again = await registry.register(body('fs', http(7071, { id: 'a' })), { by })
    expect(again.status).toBe('unchanged')
    expect(registry.state.version).toBe(1)
  })

  it('refuses another specification under a taken id, and takes it with replace', async () => {
    const { registry } = makeRegistry()
    const first = await registry.register(body('fs', http(7071, { id: 'a' })), { by })
    const other = body('fs', http(7072, { id: 'a' }))
    await expect(registry.register(other, { by })).rejects.toMatchObject({
      code: 'REGISTRY_CONFLICT',
      reason: 'different-spec',
      owner: 'api',
    })
    const replaced = await registry.register(other, { by, replace: true })
    expect(replaced.status).toBe('replaced')
    expect(replaced.instance.generation).toBeGreaterThan(first.instance.generation)
  })

  it('names the source that owns a taken id, even with replace', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(7071, { id: 'a' })), { by, source: 'docker' })
    await expect(registry.register(body('fs', http(7071, { id: 'a' })), { by, replace: true })).rejects.toMatchObject({
      code: 'REGISTRY_CONFLICT',
      reason: 'other-source',
      owner: 'docker',
      message: expect.stringContaining('docker'),
    })
  })

  it('gives the first free id when there is none', async () => {
    const { registry } = makeRegistry()
    const ids: string[] = []
    for (const port of [1, 2, 3]) ids.push((await registry.register(body('fs', http(port)), { by })).instance.id)
    await registry.deregister('fs', 'fs-2', by)
    ids.push((await registry.register(body('fs', http(4)), { by })).instance.id)
    expect(ids).toEqual(['fs-1', 'fs-2', 'fs-3', 'fs-2'])
  })

  it('takes a repeated URL without an id for the same instance, and a repeated command for a second child', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1)), { by })
    expect(await registry.register(body('fs', http(1)), { by })).toMatchObject({ status: 'unchanged' })
    await registry.register(body('fs', { command: 'node x.js' }), { by })
    expect(await registry.register(body('fs', { command: 'node x.js' }), { by })).toMatchObject({
      status: 'created',
      instance: { id: 'fs-3' },
    })
  })

  it('keeps the generation when only the weight is replaced', async () => {
    const { registry } = makeRegistry()
    const before = await registry.register(body('fs', http(1, { id: 'a' })), { by })
    const after = await registry.register(body('fs', http(1, { id: 'a', weight: 3 })), { by, replace: true })
    expect(after.instance.generation).toBe(before.instance.generation)
    expect(after.instance.weight).toBe(3)
  })

  it('gives a new generation to an id that was removed and comes back', async () => {
    const { registry } = makeRegistry()
    const before = await registry.register(body('fs', http(1, { id: 'a' })), { by })
    await registry.deregister('fs', 'a', by)
    const after = await registry.register(body('fs', http(1, { id: 'a' })), { by })
    expect(after.instance.generation).toBeGreaterThan(before.instance.generation)
  })

  it('sets the load balancer of the template along the way', async () => {
    const { registry } = makeRegistry()
    const input = { ...body('fs', http(1, { id: 'a' })), load_balancer: { strategy: 'weighted', timeout: 30 } }
    await registry.register(input, { by })
    expect(registry.requireTemplate('fs').settings).toEqual({ strategy: 'weighted', timeouts: { totalMs: 30_000 } })
    expect((await registry.register(input, { by })).status).toBe('unchanged')
  })

  it('orders instances as people count', async () => {
    const { registry } = makeRegistry()
    for (const id of ['fs-10', 'fs-2', 'fs-1']) await registry.register(body('fs', http(1, { id })), { by })
    expect(registry.requireTemplate('fs').instances.map((instance) => instance.id)).toEqual(['fs-1', 'fs-2', 'fs-10'])
  })
})

describe('deregister', () => {
  it('removes the instance, and the template with its last one', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1, { id: 'a' })), { by })
    await registry.deregister('fs', 'a', by)
    expect(registry.findTemplate('fs')).toBeUndefined()
    expect(registry.findInstance('fs', 'a')).toBeUndefined()
  })

  it('keeps a template that has settings', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1, { id: 'a' })), { by })
    await registry.updateTemplate('fs', { load_balancer: { max_retries: 1 } }, by)
    await registry.deregister('fs', 'a', by)
    expect(registry.requireTemplate('fs').instances).toEqual([])
    await registry.updateTemplate('fs', { load_balancer: { max_retries: null } }, by)
    expect(registry.findTemplate('fs')).toBeUndefined()
  })

  it('says which of template and instance is unknown', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1, { id: 'a' })), { by })
    await expect(registry.deregister('no', 'a', by)).rejects.toMatchObject({ code: 'REGISTRY_TEMPLATE_NOT_FOUND' })
    await expect(registry.deregister('fs', 'b', by)).rejects.toMatchObject({ code: 'REGISTRY_INSTANCE_NOT_FOUND' })
  })
})

describe('overrides', () => {
  it('hide the registered weight until they are reset', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1, { id: 'a', weight: 2 })), { by })
    const changed = await registry.updateInstance('fs', 'a', { weight: 0, state: 'draining' }, by)
    expect(changed).toMatchObject({ weight: 0, declaredWeight: 2, state: 'draining', override: { weight: 0 } })
    const reset = await registry.updateInstance('fs', 'a', { weight: null }, by)
    expect(reset).toMatchObject({ weight: 2, state: 'draining', override: { state: 'draining' } })
    const bare = await registry.updateInstance('fs', 'a', { reset: true }, by)
    expect(bare).toMatchObject({ weight: 2, state: 'active', override: {} })
    expect(bare).not.toHaveProperty('declaredWeight')
  })

  it('survive a replacement and do not make the registered specification look different', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1, { id: 'a', weight: 2 })), { by })
    await registry.updateInstance('fs', 'a', { weight: 9 }, by)
    expect((await registry.register(body('fs', http(1, { id: 'a', weight: 2 })), { by })).status).toBe('unchanged')
    const replaced = await registry.register(body('fs', http(2, { id: 'a', weight: 4 })), { by, replace: true })
    expect(replaced.instance).toMatchObject({ weight: 9, declaredWeight: 4 })
  })

  it('commit nothing when nothing differs', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1, { id: 'a' })), { by })
    await registry.updateInstance('fs', 'a', { state: 'disabled' }, by)
    await registry.updateInstance('fs', 'a', { state: 'disabled' }, by)
    expect(registry.state.version).toBe(2)
  })
})

describe('resolveUrl', () => {
  it('remembers the URL until the instance leads elsewhere', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1, { id: 'a' })), { by })
    await registry.resolveUrl('fs', 'a', 'http://127.0.0.1:1/mcp')
    await registry.register(body('fs', http(1, { id: 'a', weight: 2 })), { by, replace: true })
    expect(registry.requireInstance('fs', 'a').resolvedUrl).toBe('http://127.0.0.1:1/mcp')
    await registry.register(body('fs', http(2, { id: 'a' })), { by, replace: true })
    expect(registry.requireInstance('fs', 'a').resolvedUrl).toBeUndefined()
  })
})

describe('aliases', () => {
  it('must not be the name or the alias of another template', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1)), { by })
    await registry.register(body('web', http(2)), { by })
    const taken = { code: 'REGISTRY_INVALID', errors: [{ path: 'alias', message: expect.stringContaining('taken') }] }
    await expect(registry.updateTemplate('fs', { alias: 'web' }, by)).rejects.toMatchObject(taken)
    await registry.updateTemplate('fs', { alias: 'f' }, by)
    await expect(registry.updateTemplate('web', { alias: 'f' }, by)).rejects.toMatchObject(taken)
    await expect(registry.register(body('f', http(3)), { by })).rejects.toMatchObject(taken)
  })
})

describe('a failing store', () => {
  it('leaves the state as it was and does not block the next change', async () => {
    const { registry, store } = makeRegistry()
    const commit = store.commit.bind(store)
    let broken = true
    store.commit = (diff: RegistryDiff, who) => (broken ? Promise.reject(new Error('disk full')) : commit(diff, who))
    const before = registry.state
    await expect(registry.register(body('fs', http(1)), { by })).rejects.toThrow('disk full')
    expect(registry.state).toBe(before)
    broken = false
    expect((await registry.register(body('fs', http(1)), { by })).status).toBe('created')
  })
})

describe('subscribe', () => {
  it('tells the state as it is and as it was, until unsubscribed', async () => {
    const { registry } = makeRegistry()
    const seen: [RegistryState, RegistryState][] = []
    const end = registry.subscribe((state, previous) => seen.push([state, previous]))
    const empty = registry.state
    await registry.register(body('fs', http(1, { id: 'a' })), { by })
    expect(seen).toEqual([[registry.state, empty]])
    end()
    await registry.deregister('fs', 'a', by)
    expect(seen).toHaveLength(1)
  })

  it('reports a listener that throws and goes on', async () => {
    const { registry, events } = makeRegistry()
    const told: number[] = []
    registry.subscribe(() => {
      throw new Error('mine')
    })
    registry.subscribe((state) => told.push(state.version))
    await registry.register(body('fs', http(1)), { by })
    expect(told).toEqual([1])
    expect(events.map((event) => event.type)).toEqual(['listener-failed', 'changed'])
  })

  it('survives an observer that throws', async () => {
    const { registry } = makeRegistry({
      onEvent: () => {
        throw new Error('mine')
      },
    })
    expect((await registry.register(body('fs', http(1)), { by })).status).toBe('created')
  })
})

describe('several registries on one store', () => {
  it('see each other after a refresh', async () => {
    const { registry, store } = makeRegistry()
    const other = new Registry({ store })
    await registry.register(body('fs', http(1, { id: 'a' })), { by })
    expect(await other.refresh()).toBe(true)
    expect(other.state).toEqual(registry.state)
    expect(await other.refresh()).toBe(false)
  })

  it('race without losing a change', async () => {
    const { registry, store } = makeRegistry()
    const other = new Registry({ store })
    const jobs = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? registry : other).register(body('fs', http(i + 1)), { by }),
    )
    const ids = (await Promise.all(jobs)).map((result) => result.instance.id)
    expect(new Set(ids).size).toBe(20)
    await registry.refresh()
    await other.refresh()
    expect(registry.requireTemplate('fs').instances).toHaveLength(20)
    expect(other.state).toEqual(registry.state)
  })

  it('decide anew: an id that the other one took meanwhile is a conflict', async () => {
    const { registry, store } = makeRegistry()
    const other = new Registry({ store })
    await registry.register(body('fs', http(1, { id: 'a' })), { by, source: 'docker' })
    await expect(other.register(body('fs', http(2, { id: 'a' })), { by })).rejects.toMatchObject({ owner: 'docker' })
  })

  it('poll until the signal aborts, and report a failed turn', async () => {
    const { registry, store, events } = makeRegistry()
    const writer = new Registry({ store })
    await writer.register(body('fs', http(1, { id: 'a' })), { by })
    const changesSince = store.changesSince.bind(store)
    let turns = 0
    store.changesSince = (version) => (turns++ === 0 ? Promise.reject(new Error('down')) : changesSince(version))
    const stop = new AbortController()
    registry.subscribe(() => stop.abort())
    await registry.poll({ signal: stop.signal, intervalMs: 1 })
    expect(events.map((event) => event.type)).toEqual(['refresh-failed', 'refreshed'])
    expect(registry.findInstance('fs', 'a')).toBeDefined()
  })
})
