import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { StateFolder, stateFolder } from '../src/state/folder.js'
import { processStart } from '../src/state/process-start.js'

const running = {
  url: 'http://127.0.0.1:1',
  pid: process.pid,
  version: '0.1.0',
  started_at: '2026-01-01T00:00:00.000Z',
}

describe('the state folder', () => {
  let path: string

  beforeEach(async () => {
    path = join(await mkdtemp(join(tmpdir(), 'mcpp-state-')), 'deep', 'folder')
  })

  it('is private, and so is the token in it', async () => {
    const folder = await StateFolder.open(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect((await stat(folder.adminTokenFile)).mode & 0o777).toBe(0o600)
    expect((await readFile(folder.adminTokenFile, 'utf8')).trim()).toBe(folder.adminToken)
    expect(folder.adminToken).toMatch(/^[A-Za-z0-9_-]{43}$/)
    await folder.close()
  })

  it('announces the gateway while it runs, and leaves nothing that names it', async () => {
    const folder = await StateFolder.open(path)
    await folder.announce(running)
    expect(JSON.parse(await readFile(join(path, 'gateway.json'), 'utf8'))).toEqual(running)
    await folder.close()
    expect(await readdir(path)).toEqual([])
  })

  it('refuses a second gateway and says where the first one is', async () => {
    const folder = await StateFolder.open(path)
    await folder.announce(running)
    await expect(StateFolder.open(path)).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: `a gateway (process ${process.pid}) already runs at http://127.0.0.1:1 on the state folder ${path}; stop it with "mcpp gateway stop", or choose another folder with --state-dir`,
    })
    await folder.close()
    await (await StateFolder.open(path)).close()
  })

  it('takes over the lock of a process that is gone, or whose number another process has now', async () => {
    await (await StateFolder.open(path)).close()
    for (const stale of ['{"pid":4194303,"start":"1"}', `{"pid":${process.pid},"start":"1"}`, 'half a lo']) {
      await writeFile(join(path, 'lock'), stale)
      await (await StateFolder.open(path)).close()
    }
    expect(await processStart(process.pid)).not.toBe('1')
  })

  it('lets exactly one of many get in at once', async () => {
    await (await StateFolder.open(path)).close()
    await writeFile(join(path, 'lock'), '{"pid":4194303,"start":"1"}')
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => StateFolder.open(path)))
    const opened = results.filter((result) => result.status === 'fulfilled')
    expect(opened).toHaveLength(1)
    await Promise.all(opened.map(({ value }) => value.close()))
  })

  it('is where MCPP_STATE_DIR says', () => {
    expect(stateFolder({ MCPP_STATE_DIR: '/somewhere' })).toBe('/somewhere')
    expect(stateFolder({})).toMatch(/\.mcpp$/)
  })
})
