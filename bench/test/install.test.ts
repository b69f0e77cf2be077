import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { freePort, type TempDir, tempDir } from '@mcp-platform/test-kit'
import { type InstallOptions, installPeer } from '../peers/install.ts'
import { startRegistry, type TestRegistry } from './registry.ts'

const LONG = 120_000
let scratch: TempDir
let registry: TestRegistry

beforeEach(async () => {
  scratch = await tempDir('mcpp-bench-install-')
  registry = await startRegistry(join(scratch.path, 'registry'), 'a-peer', '1.2.3')
}, LONG)

afterEach(async () => {
  await registry?.stop()
  await scratch?.stop()
})

function order(version: string, more: Partial<InstallOptions> = {}, url = registry.url): InstallOptions {
  const env = { npm_config_registry: url, npm_config_cache: join(scratch.path, 'cache') }
  return { name: 'a-peer', version, folder: join(scratch.path, 'peer'), env, ...more }
}

describe('installing a peer', () => {
  it(
    'puts exactly the version asked for into its own folder',
    async () => {
      const folder = await installPeer(order('1.2.3'))
      const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
      expect([folder, version]).toEqual([join(scratch.path, 'peer', 'node_modules', 'a-peer'), '1.2.3'])
    },
    LONG,
  )

  it.each([
    ['a version', { version: '1.2.4' }],
    ['a package', { name: 'another-peer' }],
  ])(
    'says which one the registry has not when %s is missing',
    async (_what, more) => {
      const { name, version } = { ...order('1.2.3'), ...more }
      const why = { kind: 'missing', message: expect.stringContaining(`the npm registry has no ${name}@${version}`) }
      await expect(installPeer(order('1.2.3', more))).rejects.toMatchObject(why)
    },
    LONG,
  )

  it(
    'says that the registry cannot be reached when nobody listens there',
    async () => {
      const nobody = `http://127.0.0.1:${await freePort()}`
      const why = { kind: 'unreachable', message: expect.stringContaining('the npm registry cannot be reached') }
      await expect(installPeer(order('1.2.3', {}, nobody))).rejects.toMatchObject(why)
    },
    LONG,
  )

  it('says so when there is no npm', async () => {
    const env = { PATH: scratch.path }
    await expect(installPeer(order('1.2.3', { env }))).rejects.toMatchObject({
      message: expect.stringContaining('no npm'),
    })
  })
})
