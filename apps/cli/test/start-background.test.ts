import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { tempDir } from '@mcp-platform/test-kit'
import { mcpp } from './mcpp.js'

it('a start in the background says what is wrong with the registry file, and the first steps only where they are', async () => {
  const home = await tempDir()
  const env = { MCPP_STATE_DIR: join(home.path, 'state'), MCPP_CONFIG_DIR: home.path }
  const run = (...args: string[]) => mcpp(['gateway', ...args], { env })
  const missing = join(home.path, 'missing.json')
  try {
    const first = await run('start', '--background', '--port', '0', '--registry-file', missing)
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('Register a first server:') })
    expect(first.stderr).toContain(`registry file ${missing}: there is no such file`)
    expect((await run('register', 'files', '--endpoint', 'http://127.0.0.1:9/mcp')).code).toBe(0)
    await run('stop', '--timeout', '5', '--force')
    const second = await run('start', '--background', '--port', '0')
    expect(second).toMatchObject({ code: 0, stderr: '' })
    expect(second.stdout).not.toContain('Register a first server')
  } finally {
    await run('stop', '--timeout', '5', '--force')
    await home.stop()
  }
})
