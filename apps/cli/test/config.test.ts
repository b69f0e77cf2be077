import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type TempDir, tempDir } from '@mcp-platform/test-kit'
import { startFakeGateway } from './fake-gateway.js'
import { mcpp, type Run } from './mcpp.js'

let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

function run(args: readonly string[], env: Record<string, string> = {}, input?: string): Promise<Run> {
  return mcpp(args, { env: { MCPP_CONFIG_DIR: home.path, MCPP_STATE_DIR: home.path, ...env }, input })
}

async function effective(args: readonly string[] = [], env?: Record<string, string>): Promise<Record<string, unknown>> {
  const { stdout } = await run(['config', 'list', '--json', ...args], env)
  const settings: { name: string; value: unknown; source: string }[] = JSON.parse(stdout)
  return Object.fromEntries(settings.map(({ name, value, source }) => [name, `${value} (${source})`]))
}

describe('profiles', () => {
  it('are stored for their owner only', async () => {
    await run(['config', 'set', 'url', 'http://prod:1', '--profile', 'prod'])
    await run(['config', 'set', 'api-key', '-', '--profile', 'prod'], {}, 'mcpp_0123456789abcd\n')
    const path = (await run(['config', 'path'])).stdout.trim()
    expect(path).toBe(join(home.path, 'config.json'))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      profiles: { prod: { url: 'http://prod:1', api_key: 'mcpp_0123456789abcd' } },
    })
  })

  it('settle flag before environment before profile before default', async () => {
    expect(await effective()).toMatchObject({ url: 'http://127.0.0.1:8080 (default)', credential: 'null (none)' })
    await run(['config', 'set', 'url', 'http://a:1'])
    expect(await effective()).toMatchObject({ url: 'http://a:1 (profile default)' })
    expect(await effective([], { MCPP_URL: 'http://b:1' })).toMatchObject({ url: 'http://b:1 (MCPP_URL)' })
    expect(await effective(['--url', 'http://c:1'], { MCPP_URL: 'http://b:1' })).toMatchObject({
      url: 'http://c:1 (--url)',
    })
  })

  it('can be chosen by name, once or for good', async () => {
    await run(['config', 'set', 'url', 'http://prod:1', '--profile', 'prod'])
    expect(await effective(['--profile', 'prod'])).toMatchObject({ url: 'http://prod:1 (profile prod)' })
    expect(await effective([], { MCPP_PROFILE: 'prod' })).toMatchObject({ profile: 'prod (MCPP_PROFILE)' })
    await run(['config', 'set', 'profile', 'prod'])
    expect(await effective()).toMatchObject({ url: 'http://prod:1 (profile prod)' })
    expect((await run(['config', 'profiles'])).stdout).toMatch(/prod \* +http:\/\/prod:1/)
  })

  it('must exist to be chosen', async () => {
    const { code, stderr } = await run(['config', 'list', '--profile', 'nope'])
    expect(code).toBe(1)
    expect(stderr).toBe('Error: There is no profile "nope" (from --profile).\nTry: mcpp config profiles\n')
    expect((await run(['config', 'set', 'profile', 'nope'])).code).toBe(2)
  })

  it('keep their secrets to themselves', async () => {
    await run(['config', 'set', 'url', 'http://a:1'])
    await run(['config', 'set', 'token', 'abcdefghijklmnop'])
    expect((await run(['config', 'list'])).stdout).toMatch(/token +\*\*\*\*mnop +profile default/)
    expect((await run(['config', 'get', 'token'])).stdout).toBe('****mnop\n')
    expect((await run(['config', 'get', 'token', '--reveal'])).stdout).toBe('abcdefghijklmnop\n')
    await run(['config', 'set', 'token', '--unset'])
    expect((await run(['config', 'get', 'token'])).code).toBe(1)
  })

  it('send their credential to their own gateway only', async () => {
    await using mine = await startFakeGateway({ 'GET /gateway/registry': { templates: {}, stats: {} } })
    await using other = await startFakeGateway({ 'GET /gateway/registry': { templates: {}, stats: {} } })
    await run(['config', 'set', 'url', mine.url])
    await run(['config', 'set', 'api-key', 'k3y'])
    await run(['gateway', 'list'])
    await run(['gateway', 'list', '--url', other.url])
    expect(mine.seen[0]?.headers['x-api-key']).toBe('k3y')
    expect(other.seen[0]?.headers['x-api-key']).toBeUndefined()
  })

  it('warn when others can read them', async () => {
    await run(['config', 'set', 'url', 'http://a:1'])
    await chmod(join(home.path, 'config.json'), 0o644)
    expect((await run(['config', 'list'])).stderr).toContain('chmod 600')
  })

  it('are refused when the file is broken, not overwritten', async () => {
    await writeFile(join(home.path, 'config.json'), '{"profiles":')
    const { code, stderr } = await run(['config', 'set', 'url', 'http://a:1'])
    expect(code).toBe(1)
    expect(stderr).toContain('it is not JSON')
    expect(await readFile(join(home.path, 'config.json'), 'utf8')).toBe('{"profiles":')
  })
})

describe('a local gateway', () => {
  it('is found by its state folder, with its admin token', async () => {
    await using gateway = await startFakeGateway({ 'GET /gateway/registry': { templates: {}, stats: {} } })
    const tokenFile = join(home.path, 'admin-token')
    await writeFile(tokenFile, 'l0cal\n', { mode: 0o600 })
    const state = {
      url: gateway.url,
      pid: process.pid,
      version: '1',
      started_at: new Date().toISOString(),
      admin_token_file: tokenFile,
    }
    await writeFile(join(home.path, 'gateway.json'), JSON.stringify(state))
    expect((await run(['gateway', 'list'])).code).toBe(0)
    expect(gateway.seen[0]?.headers.authorization).toBe('Bearer l0cal')
    await run(['gateway', 'list'], { MCPP_API_KEY: 'mine' })
    expect(gateway.seen[1]?.headers).toMatchObject({ 'x-api-key': 'mine' })
    expect(gateway.seen[1]?.headers.authorization).toBeUndefined()
  })
})
