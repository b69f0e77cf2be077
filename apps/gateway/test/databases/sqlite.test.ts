import { execFile } from 'node:child_process'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, launch, startFaultServer, tempDir, waitFor } from '@mcp-platform/test-kit'
import SqliteDatabase from 'better-sqlite3'
import { instance, type NodeProcess, refusedNode, startNode } from './support.js'

const run = promisify(execFile)
const HOLD = fileURLToPath(new URL('./hold-file.mjs', import.meta.url))

const health = async (node: NodeProcess) => (await node.get('/gateway/health')).json.database

const ends: (() => Promise<void>)[] = []
const onTestEnd = (end: () => Promise<void>): void => void ends.push(end)

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe('an SQLite file', () => {
  let upstream: FaultServer

  beforeAll(async () => {
    upstream = await startFaultServer()
  })
  afterAll(() => upstream.stop())

  const serving = async (database: string): Promise<NodeProcess> => {
    const node = await startNode({ database })
    expect((await node.admin('POST', '/gateway/register?probe=true', instance('up', upstream.url))).status).toBe(201)
    return node
  }

  const callWorks = async (node: NodeProcess): Promise<void> => {
    expect((await node.post('/mcp/fs/tools/call', { name: 'echo', arguments: {} })).status).toBe(200)
  }

  it('is for its owner only, with the folders above it', async () => {
    const folder = join((await tempDir()).path, 'a', 'b')
    const node = await startNode({ database: `sqlite://${join(folder, 'gateway.db')}` })
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(folder))
      expect([name, (await stat(join(folder, name))).mode & 0o077]).toEqual([name, 0])
    await node.stop()
  })

  it('is for one gateway: another one is refused, also with a state folder of its own, until the first has ended', async () => {
    const database = `sqlite://${join((await tempDir()).path, 'gateway.db')}`
    const first = await startNode({ database })
    const refused = await refusedNode({ database })
    expect(refused).toMatchObject({ code: 'DATABASE_IN_USE', exitCode: 1 })
    expect(refused.message).toMatch(/an SQLite file is for one gateway, several share a PostgreSQL/)
    expect((await first.get('/gateway/health')).json.database).toBe('ok')
    await first.kill9()
    await (await startNode({ database, stateDir: first.stateDir })).stop()
  })

  it('that cannot be made is one clear sentence and exit code 1, at once', async () => {
    for (const database of ['sqlite:/proc/nowhere/x.db', 'sqlite:/dev/null/x.db', 'sqlite:/']) {
      const { code, exitCode, message } = await refusedNode({ database })
      expect([database, code, exitCode]).toEqual([database, expect.stringMatching(/DATABASE_UNREACHABLE|CONFIG/), 1])
      expect(message).not.toContain('\n')
    }
    const { path } = await tempDir()
    await writeFile(join(path, 'text.db'), 'no database, but long enough to be taken for one'.repeat(50))
    const refused = await refusedNode({ database: `sqlite://${join(path, 'text.db')}` })
    expect(refused).toMatchObject({ code: 'DATABASE_UNREACHABLE', exitCode: 1 })
    expect(refused.message).toMatch(/file is not a database/)
  })

  it('may be locked by another process: calls go on, changes answer 503, and it comes back by itself', async () => {
    const file = join((await tempDir()).path, 'gateway.db')
    const node = await serving(`sqlite://${file}`)
    const holder = await launch({
      name: 'holder',
      command: process.execPath,
      args: [HOLD, file],
      isReady: (line) => line === 'held',
    })
    onTestEnd(() => holder.stop())
    const refused = node.admin('POST', '/gateway/register', instance('refused'))
    await callWorks(node)
    const { status, json, headers } = await refused
    expect([status, json.code]).toEqual([503, 'DATABASE_UNAVAILABLE'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await health(node)).toBe('unavailable')
    await callWorks(node)
    await holder.stop()
    await waitFor(async () => (await health(node)) === 'ok')
    expect((await node.admin('POST', '/gateway/register', instance('after'))).status).toBe(201)
    await node.stop()
    await isSound(file, ['after', 'up'])
  })

  it('may be on a full disk: calls go on, changes answer 503, and all is well when there is room again', async () => {
    const disk = await smallDisk()
    if (disk === undefined) {
      process.stderr.write('SKIPPED: a full disk needs root and mount\n')
      return
    }
    try {
      const file = join(disk.path, 'gateway.db')
      const node = await serving(`sqlite://${file}`)
      const ballast = join(disk.path, 'ballast')
      await fill(ballast)
      const made = await registerUntilFull(node)
      expect(await health(node)).toBe('unavailable')
      await callWorks(node)
      await run('rm', [ballast])
      const register = () => node.admin('POST', '/gateway/register', instance('after'))
      await waitFor(async () => (await register()).status < 300, { pollMs: 200 })
      expect(await health(node)).toBe('ok')
      await node.stop()
      await isSound(file, ['after', ...made, 'up'])
    } finally {
      await disk.remove()
    }
  })
})

/** Registers large instances until the disk takes no more. @returns those that were acknowledged */
async function registerUntilFull(node: NodeProcess): Promise<string[]> {
  const made: string[] = []
  for (let n = 0; n < 1_000; n += 1) {
    const id = `large-${n}`
    const large = { id, endpoint: 'http://127.0.0.1:9/mcp', metadata: { text: 'x'.repeat(3_000) } }
    const { status, json } = await node.admin('POST', '/gateway/register', { template_name: 'fs', instance: large })
    if (status !== 201) {
      expect([status, json.code]).toEqual([503, 'DATABASE_UNAVAILABLE'])
      return made
    }
    made.push(id)
  }
  throw new Error('the disk is not full')
}

/** The file is whole, holds these instances, and every change has its audit record. */
async function isSound(file: string, ids: readonly string[]): Promise<void> {
  const database = new SqliteDatabase(file, { fileMustExist: true })
  try {
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(database.prepare('select id from instances order by id').pluck().all()).toEqual(ids.toSorted())
  } finally {
    database.close()
  }
}

async function smallDisk(): Promise<{ path: string; remove(): Promise<void> } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const folder = await tempDir()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', folder.path])
  } catch {
    // No right to mount here (a container without SYS_ADMIN): the test says that it is skipped.
    return undefined
  }
  return { path: folder.path, remove: async () => void (await run('umount', ['--lazy', folder.path])) }
}

async function fill(path: string): Promise<void> {
  // It ends when the disk is full, which is a failure for dd.
  await run('dd', ['if=/dev/zero', `of=${path}`, 'bs=1k']).catch(() => undefined)
}
