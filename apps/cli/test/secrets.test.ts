import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { everythingStdio, startFaultServer, tempDir } from '@mcp-platform/test-kit'
import { mcpp, type Run } from './mcpp.js'

const CANARIES = {
  header: 'canary-header-given-to-the-cli',
  environment: 'canary-environment-given-to-the-cli',
  profile: 'canary-environment-of-a-launch-profile',
  master: 'ab'.repeat(32),
  password: 'canary is four words long',
}

describe('secrets', () => {
  it('are in no output of the command line; a launch profile is registered by its name; users move by export and import', async () => {
    const state = await tempDir()
    const server = await startFaultServer()
    const { command, args } = everythingStdio()
    const profiles = join(state.path, 'profiles.json')
    const profile = { command, args, env: { SECRET: CANARIES.profile } }
    await writeFile(profiles, JSON.stringify({ profiles: { everything: profile } }))
    const env = {
      MCPP_STATE_DIR: join(state.path, 'state'),
      MCPP_CONFIG_DIR: state.path,
      MCP_GATEWAY_MASTER_KEY: CANARIES.master,
      MCP_GATEWAY_LAUNCH_PROFILES: profiles,
    }
    const runs: Run[] = []
    const run = async (...words: string[]): Promise<Run> => {
      const input = words.includes('--password-stdin') ? `${CANARIES.password}\n` : undefined
      const ended = await mcpp(['gateway', ...words], { env, input })
      runs.push(ended)
      return ended
    }
    const file = join(state.path, 'export.json')
    const line = [command, ...args].map((word) => JSON.stringify(word)).join(' ')
    expect((await run('start', '--background', '--port', '0', '--log-level', 'debug')).code).toBe(0)
    try {
      const header = `x-secret=${CANARIES.header}`
      expect((await run('register', 'fs', '--endpoint', server.url, '--header', header, '--wait')).code).toBe(0)
      const variable = `SECRET=${CANARIES.environment}`
      expect((await run('register', 'std', '--command', line, '--env', variable, '--wait')).code).toBe(0)
      expect((await run('register', 'std', '--launch-profile', 'everything', '--wait')).code).toBe(0)
      expect((await run('register', 'std', '--launch-profile', 'nothing')).stderr).toContain('known are everything')
      expect((await run('register', 'std', '--launch-profile', 'x', '--command', 'y')).code).toBe(2)
      expect(
        (await run('register', 'fs', '--endpoint', server.url, '--header', `bad name=${CANARIES.header}`)).code,
      ).toBe(1)
      expect((await run('create-user', 'anna', '--role', 'admin', '--password-stdin')).code).toBe(0)
      expect((await run('export', file)).code).toBe(0)
      const imported = await run('import', file)
      expect([imported.code, imported.stdout]).toEqual([0, expect.stringContaining('Users that were there: anna.')])
      for (const words of [
        ['list'],
        ['list', 'std', '--json'],
        ['show', 'fs', '--json'],
        ['explain', 'std'],
        ['export'],
      ]) {
        const ended = await run(...words)
        expect([words, ended.code, ended.stderr]).toEqual([words, 0, ''])
      }
      for (const words of [['audit', '--json'], ['config', '--json'], ['doctor', '--json'], ['logs']])
        await run(...words)
    } finally {
      await run('stop', '--timeout', '5', '--force')
      await server.stop()
    }
    const log = await readFile(join(env.MCPP_STATE_DIR, 'gateway.log'), 'utf8')
    const outputs = [...runs.flatMap(({ stdout, stderr }) => [stdout, stderr]), await readFile(file, 'utf8'), log]
    for (const [name, canary] of Object.entries(CANARIES)) {
      expect([name, outputs.filter((text) => text.includes(canary))]).toEqual([name, []])
    }
    expect(log.length).toBeGreaterThan(1_000)
    await state.stop()
  })
})
