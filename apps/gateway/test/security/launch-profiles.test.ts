import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { everythingStdio, tempDir, waitFor } from '@mcp-platform/test-kit'
import { start } from '../helpers.js'
import { as, startFailure, startSecured, userToken } from './support.js'

const SECRET = 'canary-of-a-launch-profile-5151'

/** A configuration with the profile `everything`, and one whose program leaves a mark. */
async function profilesFile(): Promise<{ file: string; mark: string }> {
  const folder = (await tempDir()).path
  const mark = join(folder, 'mark')
  const file = join(folder, 'profiles.yaml')
  const { command, args } = everythingStdio()
  const everything = { command, args, env: { SECRET_OF_PROFILE: SECRET } }
  await writeFile(file, JSON.stringify({ profiles: { everything, toucher: { command: `/usr/bin/touch ${mark}` } } }))
  return { file, mark }
}

const named = (profile: string) => ({ template_name: 'std', instance: { id: 's', profile } })

describe('a launch profile', () => {
  it('is all that may be named where commands may not be registered, and starts what this machine says', async () => {
    const { file } = await profilesFile()
    const gateway = await start({ flags: { 'stdio-mode': 'profiles', 'launch-profiles': file } })
    const made = await gateway.admin('POST', '/gateway/register?probe=true', named('everything'))
    expect([made.status, made.json.probe.ok]).toEqual([201, true])
    const called = await gateway.admin('POST', '/mcp/std/tools/call', { name: 'echo', arguments: { message: 'hi' } })
    expect(called.text).toContain('hi')
    const [shown] = (await gateway.get('/gateway/registry')).json.templates.std.instances
    expect(shown).toMatchObject({ transport: 'stdio', profile: 'everything', status: 'healthy' })
    expect(shown).not.toHaveProperty('command')

    const exported = (await gateway.admin('GET', '/gateway/export')).json
    expect(exported.templates.std.instances).toMatchObject([{ id: 's', profile: 'everything' }])
    await gateway.admin('DELETE', '/gateway/deregister/std/s?force=true')
    expect((await gateway.admin('POST', '/gateway/import', exported)).json.added).toHaveLength(1)
    await gateway.close()
    const bytes = await readFile(join(gateway.stateDir, 'gateway.db'))
    expect(bytes.includes(SECRET)).toBe(false)
    expect(gateway.logs.join('')).not.toContain(SECRET)
  })

  it('that is not configured is a 422 on every way in, and takes nothing along', async () => {
    const { file, mark } = await profilesFile()
    const gateway = await start({ flags: { 'stdio-mode': 'profiles', 'launch-profiles': file } })
    const unknown = await gateway.admin('POST', '/gateway/register', named('nothing'))
    expect([unknown.status, unknown.json.errors]).toEqual([
      422,
      [{ path: 'instance.profile', message: expect.stringContaining('known are everything, toucher') }],
    ])
    const document = { templates: { std: { instances: [{ id: 's', profile: 'nothing' }] } } }
    expect((await gateway.admin('POST', '/gateway/import', document)).status).toBe(422)
    for (const more of [{ args: [mark] }, { env: { A: 'b' } }, { working_dir: '/' }, { command: 'touch' }]) {
      const body = { template_name: 'std', instance: { id: 's', profile: 'everything', ...more } }
      expect((await gateway.admin('POST', '/gateway/register', body)).status).toBe(422)
    }
    const command = { template_name: 'std', instance: { id: 's', command: `/usr/bin/touch ${mark}` } }
    expect((await gateway.admin('POST', '/gateway/register', command)).status).toBe(403)
    expect((await gateway.get('/gateway/registry')).json.templates).toEqual({})
    expect(existsSync(mark)).toBe(false)
    await gateway.close()
  })

  it('needs the right to register, not the one to run any command', async () => {
    const { file } = await profilesFile()
    const gateway = await startSecured({ 'launch-profiles': file })
    const operator = await userToken(gateway, 'op', { role: 'operator' })
    const user = await userToken(gateway, 'joe', { role: 'user' })
    expect((await as(gateway, user, 'POST', '/gateway/register', named('everything'))).status).toBe(403)
    expect((await as(gateway, operator, 'POST', '/gateway/register', named('everything'))).status).toBe(201)
    await gateway.close()
  })

  it('is looked up anew by the next start: one that is gone, or forbidden by the mode, starts nothing', async () => {
    const { file, mark } = await profilesFile()
    const env = { MCPP_STATE_DIR: (await tempDir()).path }
    const first = await start({ env, flags: { 'launch-profiles': file } })
    await first.admin('POST', '/gateway/register', named('toucher'))
    await waitFor(() => existsSync(mark), { what: 'the profile was started' })
    await first.close()
    const why = async (flags: Record<string, unknown>): Promise<string> => {
      const gateway = await start({ env, flags })
      const { healthy, reason } = (await gateway.get('/mcp/std/health')).json.instances.s
      expect(healthy).toBe(false)
      if (flags['stdio-mode'] === 'off') {
        expect((await gateway.admin('POST', '/gateway/register', named('toucher'))).status).toBe(403)
      }
      await gateway.close()
      return reason
    }
    expect(await why({})).toMatch(/no launch profile "toucher" is configured on this gateway; there is none/)
    expect(await why({ 'stdio-mode': 'off', 'launch-profiles': file })).toMatch(/switched off/)
  })

  it('comes from a registry file too', async () => {
    const { file } = await profilesFile()
    const folder = (await tempDir()).path
    const registry = join(folder, 'registry.json')
    await writeFile(
      registry,
      JSON.stringify({ templates: { std: { instances: [{ id: 's', profile: 'everything' }] } } }),
    )
    const flags = { 'stdio-mode': 'profiles', 'launch-profiles': file, 'registry-file': registry }
    const gateway = await start({ flags })
    await waitFor(async () => (await gateway.get('/mcp/std/health')).json.instances?.s?.healthy === true)
    await gateway.close()
  })

  it('file with a fault stops the start, naming each fault and no value', async () => {
    const folder = (await tempDir()).path
    const file = join(folder, 'profiles.json')
    const env = { MCPP_STATE_DIR: join(folder, 'state') }
    await writeFile(file, JSON.stringify({ profiles: { a: { command: 'x', env: { LD_PRELOAD: SECRET } }, 'b/c': {} } }))
    const refused = await startFailure({ env, flags: { port: 0, 'launch-profiles': file } })
    expect(refused.message).toMatch(/LD_PRELOAD/)
    expect(refused.message).toMatch(/b\/c/)
    expect(refused.message).not.toContain(SECRET)
    await writeFile(file, `profiles: [${SECRET}`)
    const broken = await startFailure({ env, flags: { port: 0, 'launch-profiles': file } })
    expect(broken.message).toMatch(/is neither JSON nor YAML \(line 1 column \d+: /)
    expect(broken.message).not.toContain(SECRET)
    expect((await startFailure({ env, flags: { port: 0, 'launch-profiles': `${file}x` } })).message).toMatch(
      /cannot be read/,
    )
  })
})
