import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { MemoryRegistryStore, Registry } from '@mcp-platform/core-registry'
import { tempDir } from '@mcp-platform/test-kit'
import { RegistrySnapshot } from '../../src/snapshot/registry-snapshot.js'
import { SealedFile } from '../../src/snapshot/sealed-file.js'

const key = randomBytes(32)
const newPath = async (): Promise<string> => join((await tempDir()).path, 'snapshot')

describe('a sealed file', () => {
  it('gives back what was written last, is for its owner only, and shows nothing of it', async () => {
    const path = await newPath()
    const file = new SealedFile({ path, keys: [key], about: 'x' })
    expect(await file.read()).toBeUndefined()
    await file.write('first')
    await file.write('canary-5ecret')
    expect(await file.read()).toBe('canary-5ecret')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await readFile(path)).includes('canary')).toBe(false)
  })

  it('is refused when it was changed or cut, or is of another key or of another thing', async () => {
    const path = await newPath()
    await new SealedFile({ path, keys: [key], about: 'x' }).write('content')
    const invalid = { code: 'SNAPSHOT_INVALID' }
    await expect(new SealedFile({ path, keys: [randomBytes(32)], about: 'x' }).read()).rejects.toMatchObject(invalid)
    await expect(new SealedFile({ path, keys: [key], about: 'y' }).read()).rejects.toMatchObject(invalid)
    const whole = await readFile(path)
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      await writeFile(path, changed)
      await expect(new SealedFile({ path, keys: [key], about: 'x' }).read()).rejects.toMatchObject(invalid)
    }
    for (const length of [0, 10, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length))
      await expect(new SealedFile({ path, keys: [key], about: 'x' }).read()).rejects.toMatchObject(invalid)
    }
  })

  it('that cannot be written leaves the old one and no other file', async () => {
    const file = new SealedFile({ path: join((await tempDir()).path, 'no', 'folder'), keys: [key], about: 'x' })
    await expect(file.write('x')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('the snapshot of the registry', () => {
  it('has every change, and the same state comes back', async () => {
    const path = await newPath()
    const open = () =>
      new RegistrySnapshot({
        file: new SealedFile({ path, keys: [key], about: 'x' }),
        onError: (error) => errors.push(error),
      })
    const errors: unknown[] = []
    const registry = new Registry({ store: new MemoryRegistryStore() })
    await registry.load()
    const snapshot = open()
    expect(await snapshot.read()).toBeUndefined()
    snapshot.follow(registry)
    const by = { actor: 'test' }
    const headers = { authorization: 'secret' }
    for (const id of ['b', 'a', 'c']) {
      const body = { template_name: 'fs', instance: { id, endpoint: `http://127.0.0.1:9/${id}`, headers } }
      await registry.register(body, { by })
    }
    await registry.updateInstance('fs', 'c', { weight: 7 }, by)
    await registry.deregister('fs', 'b', by)
    await snapshot.close()
    const saved = await open().read()
    expect(saved?.state.version).toBe(registry.state.version)
    expect([...(saved?.state.templates ?? [])]).toEqual([...registry.state.templates])
    expect(errors).toEqual([])
  })
})
