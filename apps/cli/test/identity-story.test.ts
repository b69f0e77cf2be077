import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { everythingStdio, type TempDir, tempDir } from '@mcp-platform/test-kit'
import { mcpp, type Run } from './mcpp.js'

const PASSWORD = 'canary-passphrase-of-admin'
const ANNA = 'canary-passphrase-of-anna'

// One gateway and one story, told in order: each test goes on where the one before has ended.
let home: TempDir
let url: string
/** Texts that must not turn up anywhere but where they were given once. */
const canaries: string[] = [PASSWORD, ANNA]

beforeAll(async () => {
  home = await tempDir()
  const started = await run(['gateway', 'start', '--background', '--port', '0', '--auth', '--json'])
  expect(started).toMatchObject({ code: 0, stderr: '' })
  url = JSON.parse(started.stdout).url
})
afterAll(async () => {
  await run(['gateway', 'stop', '--timeout', '5', '--force'])
  await home.stop()
})

/** As the same person at the same machine: the state folder and the configuration are theirs. */
function run(args: readonly string[], input?: string): Promise<Run> {
  return as('config', args, input)
}

/** As somebody else, who has a configuration of their own and does not see the state folder. */
function elsewhere(who: string, args: readonly string[], input?: string): Promise<Run> {
  return as(who, args, input, { MCPP_STATE_DIR: join(home.path, 'nowhere'), MCPP_URL: url })
}

function as(who: string, args: readonly string[], input?: string, more: Record<string, string> = {}): Promise<Run> {
  const env = { MCPP_STATE_DIR: join(home.path, 'state'), MCPP_CONFIG_DIR: join(home.path, who), ...more }
  return mcpp(args, { env, input })
}

async function makeKey(args: readonly string[]): Promise<{ text: string; id: string }> {
  const { stdout, code } = await run(['gateway', 'create-api-key', ...args, '--json'])
  expect(code).toBe(0)
  const { api_key: text, key } = JSON.parse(stdout)
  canaries.push(text)
  return { text, id: key.id }
}

async function storedLogin(who: string): Promise<{ readonly refresh_token: string }> {
  return JSON.parse(await readFile(join(home.path, who, 'config.json'), 'utf8')).profiles.default.login
}

async function tools(headers: Record<string, string>): Promise<number> {
  const response = await fetch(`${url}/mcp/every/tools/list`, { headers })
  await response.text()
  return response.status
}

describe('a gateway with --auth, from the first administrator to the last revocation', () => {
  it('lets nobody in without a credential, but for the local admin token of this machine', async () => {
    expect(await tools({})).toBe(401)
    expect(await elsewhere('stranger', ['gateway', 'list'])).toMatchObject({ code: 4, stdout: '' })
    const { stdout } = await run(['gateway', 'whoami'])
    expect(stdout).toMatch(/^You are +local-admin/m)
    const { command, args } = everythingStdio()
    const line = [command, ...args].map((word) => JSON.stringify(word)).join(' ')
    expect(await run(['gateway', 'register', 'every', '--command', line, '--wait'])).toMatchObject({
      code: 0,
      stderr: '',
    })
  })

  it('makes the first administrator, who logs in from anywhere', async () => {
    const made = await run(['gateway', 'create-user', 'admin', '--role', 'admin', '--password-stdin'], `${PASSWORD}\n`)
    expect(made).toMatchObject({ code: 0, stderr: '' })
    const wrong = await elsewhere('admin', ['gateway', 'login', 'admin', '--password-stdin'], 'not the passphrase\n')
    expect(wrong).toMatchObject({ code: 4, stdout: '' })
    const right = await elsewhere('admin', ['gateway', 'login', 'admin', '--password-stdin'], `${PASSWORD}\n`)
    expect(right).toMatchObject({ code: 0, stderr: '' })
    expect((await elsewhere('admin', ['gateway', 'tools', 'every'])).stdout).toMatch(/^echo +message/m)
    expect((await elsewhere('admin', ['gateway', 'whoami'])).stdout).toMatch(/^You are +admin \(admin\)$/m)
  })

  it('takes a token and a key as the curl lines of the page send them', async () => {
    const { text } = await makeKey(['my-app', '--role', 'user'])
    const token = (await elsewhere('admin', ['gateway', 'whoami', '--show-token'])).stdout.trim()
    const { refresh_token: refresh } = await storedLogin('admin')
    canaries.push(token, refresh)
    expect(await tools({ authorization: `Bearer ${token}` })).toBe(200)
    expect(await tools({ authorization: `Bearer ${text}` })).toBe(200)
    expect(await tools({ 'x-api-key': text })).toBe(200)
    expect(await tools({ 'x-api-key': text, authorization: `Bearer ${token}` })).toBe(400)
  })

  it('refuses with 5 what a credential does not reach, and lists only what it may call', async () => {
    const reader = await makeKey(['reader', '--scope', 'tools:read', '--template', 'every', '--tool', 'echo'])
    const listed = await elsewhere('app', ['gateway', 'tools', 'every', '--api-key', reader.text, '--json'])
    expect(listed.code).toBe(0)
    const call = ['gateway', 'call', 'every', 'echo', '--args', '{"message":"x"}', '--api-key', reader.text]
    const refused = await elsewhere('app', call)
    expect(refused).toMatchObject({ code: 5, stdout: '' })
    expect(refused.stderr).toContain('tools:call')
    const caller = await makeKey(['caller', '--role', 'user', '--tool', 'echo'])
    const visible = await elsewhere('app', ['gateway', 'tools', 'every', '--api-key', caller.text, '--json'])
    expect(JSON.parse(visible.stdout).map(({ name }: { name: string }) => name)).toEqual(['echo'])
    expect((await elsewhere('app', ['gateway', 'list-users', '--api-key', caller.text])).code).toBe(5)
  })

  it('rotates a key without cutting anybody off, and revokes it at once: exit code 4', async () => {
    const before = await makeKey(['rotating', '--role', 'user'])
    const { stdout } = await run(['gateway', 'rotate-api-key', before.id, '--json'])
    const after: string = JSON.parse(stdout).api_key
    canaries.push(after)
    for (const text of [before.text, after]) expect(await tools({ 'x-api-key': text })).toBe(200)
    expect((await run(['gateway', 'list-api-keys'])).stdout).toMatch(
      new RegExp(`^${before.id} +rotating .* rotating`, 'm'),
    )
    expect((await run(['gateway', 'revoke-api-key', after])).code).toBe(0)
    for (const text of [before.text, after]) {
      const refused = await elsewhere('app', ['gateway', 'tools', 'every', '--api-key', text])
      expect(refused).toMatchObject({ code: 4, stdout: '' })
      expect(refused.stderr).not.toContain(text)
    }
  })

  it('changes roles, and locks out who is disabled, with the next command', async () => {
    await run(['gateway', 'create-user', 'anna', '--password-stdin'], `${ANNA}\n`)
    const login = ['gateway', 'login', 'anna', '--password-stdin']
    await elsewhere('anna', login, `${ANNA}\n`)
    expect((await elsewhere('anna', ['gateway', 'list-users'])).code).toBe(5)
    expect((await elsewhere('admin', ['gateway', 'set-role', 'anna', 'auditor'])).code).toBe(0)
    // What was issued before has ended.
    expect((await elsewhere('anna', ['gateway', 'audit'])).code).toBe(4)
    await elsewhere('anna', login, `${ANNA}\n`)
    expect((await elsewhere('anna', ['gateway', 'audit', '-n', '1'])).code).toBe(0)
    expect((await elsewhere('anna', ['gateway', 'call', 'every', 'echo', '--args', '{"message":"x"}'])).code).toBe(5)
    expect((await elsewhere('admin', ['gateway', 'disable-user', 'anna'])).code).toBe(0)
    expect((await elsewhere('anna', ['gateway', 'audit'])).code).toBe(4)
    expect((await elsewhere('anna', login, `${ANNA}\n`)).code).toBe(4)
    expect((await elsewhere('admin', ['gateway', 'enable-user', 'anna'])).code).toBe(0)
    expect((await elsewhere('admin', ['gateway', 'delete-user', 'anna'])).code).toBe(0)
    expect((await elsewhere('admin', ['gateway', 'list-users'])).stdout).not.toContain('anna')
  })

  it('keeps the last administrator', async () => {
    const { code, stderr } = await elsewhere('admin', ['gateway', 'delete-user', 'admin'])
    expect(code).toBe(1)
    expect(stderr).toContain('the last active administrator')
  })

  it('changes a password and stays logged in; the one before holds no more', async () => {
    const next = 'canary-passphrase-the-second'
    canaries.push(next)
    const weak = await elsewhere('admin', ['gateway', 'create-user', 'bob', '--password-stdin'], 'short\n')
    expect(weak).toMatchObject({ code: 1, stdout: '' })
    expect(weak.stderr).toContain('password')
    const changed = await elsewhere('admin', ['gateway', 'set-password', '--password-stdin'], `${PASSWORD}\n${next}\n`)
    expect(changed).toMatchObject({ code: 0, stderr: '' })
    expect((await elsewhere('admin', ['gateway', 'whoami'])).code).toBe(0)
    const old = await elsewhere('other', ['gateway', 'login', 'admin', '--password-stdin'], `${PASSWORD}\n`)
    expect(old.code).toBe(4)
  })

  it('has written down who did what, and the chain holds', async () => {
    const { stdout } = await elsewhere('admin', ['gateway', 'audit', '--json', '-n', '200'])
    const events: { action: string; actor: string }[] = JSON.parse(stdout)
    expect(events.map(({ action, actor }) => `${actor} ${action}`)).toEqual(
      expect.arrayContaining(['local-admin user.create', 'local-admin key.create', 'user:admin login']),
    )
    const since = await elsewhere('admin', [
      'gateway',
      'audit',
      '--since',
      '1h',
      '--user',
      'admin',
      '--action',
      'login',
    ])
    expect(since.stdout).toMatch(/user:admin +login +success/)
    expect(await elsewhere('admin', ['gateway', 'audit', '--verify'])).toMatchObject({ code: 0, stderr: '' })
  })

  it('ends a login at the gateway too', async () => {
    const token = (await elsewhere('admin', ['gateway', 'whoami', '--show-token'])).stdout.trim()
    expect(await elsewhere('admin', ['gateway', 'logout'])).toMatchObject({ code: 0, stderr: '' })
    expect(await tools({ authorization: `Bearer ${token}` })).toBe(401)
    expect((await elsewhere('admin', ['gateway', 'whoami'])).code).toBe(4)
  })

  it('has left no secret in any file of the gateway, and none of mcpp open to others', async () => {
    const state = join(home.path, 'state')
    const names = await readdir(state, { recursive: true })
    const files = await Promise.all(
      names.map(async (name) => ({ name, path: join(state, name), ...(await infoOf(join(state, name))) })),
    )
    const leaks = files.filter(({ content }) => canaries.some((canary) => content.includes(canary)))
    expect(files.map(({ name }) => name)).toContain('gateway.log')
    expect(leaks.map(({ name }) => name)).toEqual([])
    for (const who of ['config', 'admin', 'anna']) {
      const path = join(home.path, who, 'config.json')
      const { mode } = await infoOf(path)
      if (mode !== undefined) expect({ path, mode: mode & 0o077 }).toEqual({ path, mode: 0 })
    }
  })
})

async function infoOf(path: string): Promise<{ readonly content: string; readonly mode: number | undefined }> {
  try {
    const found = await stat(path)
    return { content: found.isFile() ? await readFile(path, 'latin1') : '', mode: found.mode }
  } catch (error) {
    // Not instanceof: errors of the file system come from outside of Jest's sandbox.
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT')
      return { content: '', mode: undefined }
    throw error
  }
}
