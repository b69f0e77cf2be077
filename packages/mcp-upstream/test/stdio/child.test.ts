import { describe, expect, it } from '@jest/globals'
import { pidAlive, waitFor } from '@mcp-platform/test-kit'
import { type Child, childEnvironment, spawnChild } from '../../src/stdio/child.js'
import { failureOf } from './support.js'

const GRACE = { stdinEndMs: 200, termMs: 200 }

function node(script: string, grace = GRACE): Promise<Child> {
  return spawnChild({ command: process.execPath, args: ['-e', script], env: {} }, grace)
}

async function firstLine(child: Child): Promise<string> {
  for await (const chunk of child.stdout) return String(chunk).trim()
  throw new Error('no output')
}

describe('spawnChild', () => {
  it('inherits six variables and nothing else of ours', () => {
    const ours = { HOME: '/h', PATH: '/bin', TERM: '() { :;}; evil', DATABASE_URL: 'secret', NODE_OPTIONS: '--x' }
    expect(childEnvironment({ OWN: '1', PATH: '/own' }, ours)).toEqual({ HOME: '/h', PATH: '/own', OWN: '1' })
  })

  it.each([
    ['there is no such command', { command: '/no/such/command' }, 'ENOENT'],
    ['the command is not executable', { command: '/etc/passwd' }, 'EACCES'],
    ['its folder is gone', { command: process.execPath, workingDir: '/no/such/folder' }, 'ENOENT'],
  ])('says clearly that %s', async (_, spec, reason) => {
    const failure = await failureOf(spawnChild({ args: [], env: {}, ...spec }))
    expect(failure).toMatchObject({ code: 'UPSTREAM_SPAWN_FAILED', reason, sent: false })
  })

  it('does not hand arguments to a shell', async () => {
    const child = await spawnChild({
      command: process.execPath,
      args: ['-e', 'process.stdout.write(process.argv[1])', '$(echo x); `y` && z'],
      env: {},
    })
    expect(await firstLine(child)).toBe('$(echo x); `y` && z')
    await child.stop()
  })
})

describe('Child.stop', () => {
  it('lets a child that reads its input end by itself', async () => {
    // A patience that no busy machine exceeds: what is shown is that no signal was needed.
    const child = await node("process.stdin.resume().on('end', () => process.exit(7))", {
      ...GRACE,
      stdinEndMs: 60_000,
    })
    await child.stop()
    expect(await child.exit).toEqual({ exitCode: 7, signal: null })
  })

  it('sends SIGTERM to one that does not, and lets it finish', async () => {
    const child = await node(
      "process.on('SIGTERM', () => process.exit(8)); setInterval(() => {}, 1e6); console.log('up')",
      { ...GRACE, termMs: 60_000 },
    )
    await firstLine(child)
    await child.stop()
    expect(await child.exit).toEqual({ exitCode: 8, signal: null })
  })

  it('kills one that ignores both', async () => {
    const child = await node("process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); console.log('up')")
    await firstLine(child)
    await child.stop()
    expect(await child.exit).toEqual({ exitCode: null, signal: 'SIGKILL' })
  })

  it('ends the helpers that hold its pipes too, also after it has exited', async () => {
    const child = await node(`
      const helper = require('child_process').spawn(process.execPath,
        ['-e', "process.on('SIGTERM',()=>{}); setInterval(()=>{},1e6); console.log(process.pid)"], { stdio: 'inherit' })
      process.stdin.resume().on('end', () => process.exit(0))`)
    const helper = Number(await firstLine(child))
    expect(pidAlive(helper)).toBe(true)
    await child.stop()
    await waitFor(() => !pidAlive(helper))
    expect(child.stdout.destroyed).toBe(true)
  })
})
