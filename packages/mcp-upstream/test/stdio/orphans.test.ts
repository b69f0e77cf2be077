import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from '@jest/globals'
import { pidAlive, tempDir, waitFor } from '@mcp-platform/test-kit'
import { ChildRunFile, StdioConnection } from '../../src/index.js'
import { Faulty, fixture, PLAIN, within } from './support.js'

describe('ChildRunFile', () => {
  it('holds what runs, for nobody else to read, and lets go of what has ended', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'state', 'children.json')
    await using connection = new Faulty([], { ledger: new ChildRunFile({ path }) })
    await connection.openSession(PLAIN, 'ann', within())
    const running = JSON.parse(await readFile(path, 'utf8'))
    expect(running.gateway.pid).toBe(process.pid)
    expect(running.children.map(({ group }: { group: number }) => group)).toEqual([
      connection.status().children[0]?.pid,
    ])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await connection.close()
    expect(JSON.parse(await readFile(path, 'utf8')).children).toEqual([])
  })

  it('ends what a killed gateway leaves behind, helpers of a child that has ended included', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'children.json')
    for (const flags of [['--stubborn'], ['--helper']]) {
      const log = join(dir.path, `pids${flags[0]}`)
      const gateway = await startGateway(path, [...flags, `--log=${log}`])
      gateway.process.kill('SIGKILL')
      await once(gateway.process, 'exit')
      const pids = (await readFile(log, 'utf8')).trim().split('\n').map(Number)
      // With --helper the child itself ends with its input, and the helper stays.
      if (flags[0] === '--helper') await waitFor(() => !pidAlive(gateway.child))
      expect(pids.filter(pidAlive)).toHaveLength(1)
      expect(await new ChildRunFile({ path }).sweep()).toBe(1)
      await waitFor(() => !pids.some(pidAlive))
    }
  })

  it('does not touch what a living gateway runs', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'children.json')
    await using connection = new Faulty([], { ledger: new ChildRunFile({ path }) })
    await connection.openSession(PLAIN, 'ann', within())
    expect(await new ChildRunFile({ path }).sweep()).toBe(0)
    expect(connection.status().children).toHaveLength(1)
  })

  it('does not touch a process that has got the pid of a former child, nor one of another boot', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'children.json')
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { detached: true, stdio: 'ignore' })
    const pid = stranger.pid ?? 0
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const startTicks = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19]
    const gateway = { pid: process.pid, startTicks: '1' }
    const files = [
      { bootId, gateway, children: [{ group: pid, members: [{ pid, startTicks: '1' }] }] },
      { bootId: 'another', gateway, children: [{ group: pid, members: [{ pid, startTicks }] }] },
      { bootId, gateway, children: [{ group: 1, members: [{ pid, startTicks }] }] },
    ]
    for (const file of files) {
      await writeFile(path, JSON.stringify(file))
      expect(await new ChildRunFile({ path }).sweep()).toBe(0)
    }
    expect(pidAlive(pid)).toBe(true)
    await writeFile(
      path,
      JSON.stringify({ bootId, gateway, children: [{ group: pid, members: [{ pid, startTicks }] }] }),
    )
    expect(await new ChildRunFile({ path }).sweep()).toBe(1)
    await waitFor(() => !pidAlive(pid))
  })

  it('takes a missing or broken file for no last run', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'children.json')
    expect(await new ChildRunFile({ path }).sweep()).toBe(0)
    await writeFile(path, '{"children":')
    expect(await new ChildRunFile({ path }).sweep()).toBe(0)
  })

  it('tells when it cannot be written, and children run all the same', async () => {
    await using dir = await tempDir()
    await writeFile(join(dir.path, 'file'), '')
    const errors: unknown[] = []
    const ledger = new ChildRunFile({
      path: join(dir.path, 'file', 'children.json'),
      onError: (error) => errors.push(error),
    })
    await using connection = new Faulty([], { ledger })
    expect((await connection.openSession(PLAIN, 'ann', within())).ended.aborted).toBe(false)
    expect(errors.length).toBeGreaterThan(0)
  })
})

/** A process of its own that uses this package as built, holding one child. */
async function startGateway(
  runFile: string,
  flags: readonly string[],
): Promise<{ process: ChildProcess; child: number }> {
  expect([StdioConnection.name, existsSync(join(import.meta.dirname, '../../dist/index.js'))]).toEqual([
    'StdioConnection',
    true,
  ])
  const args = [fixture('gateway.mjs'), runFile, fixture('fault-server.mjs'), ...flags]
  const gateway = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: gateway.stdout }), 'line')
  return { process: gateway, child: Number(line) }
}
