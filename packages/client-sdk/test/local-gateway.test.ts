import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type TempDir, tempDir } from '@mcp-platform/test-kit'
import { discoverLocalGateway, StateFileError, stateFolder } from '../src/index.js'

let folder: TempDir
beforeEach(async () => {
  folder = await tempDir()
})
afterEach(() => folder.stop())

const state = { url: 'http://127.0.0.1:8080', pid: 4711, version: '0.1.0', started_at: '2026-01-02T03:04:05.000Z' }

async function writeState(value: unknown): Promise<void> {
  await writeFile(join(folder.path, 'gateway.json'), typeof value === 'string' ? value : JSON.stringify(value))
}

describe('discoverLocalGateway', () => {
  it('finds the gateway of a state folder and its admin token', async () => {
    const tokenFile = join(folder.path, 'admin-token')
    await writeFile(tokenFile, 's3cret\n')
    await writeState({ ...state, admin_token_file: tokenFile })
    expect(await discoverLocalGateway({ stateDir: folder.path })).toEqual({
      url: state.url,
      managementUrl: undefined,
      pid: 4711,
      version: '0.1.0',
      startedAt: new Date(state.started_at),
      stateDir: folder.path,
      adminToken: 's3cret',
    })
  })

  it('takes the folder from MCPP_STATE_DIR', async () => {
    await writeState(state)
    const found = await discoverLocalGateway({ env: { MCPP_STATE_DIR: folder.path } })
    expect(found).toMatchObject({ url: state.url, adminToken: undefined })
  })

  it('finds nothing where no gateway has run', async () => {
    expect(await discoverLocalGateway({ stateDir: join(folder.path, 'none') })).toBeUndefined()
  })

  it('does without a token file that is gone', async () => {
    await writeState({ ...state, admin_token_file: join(folder.path, 'gone') })
    expect(await discoverLocalGateway({ stateDir: folder.path })).toMatchObject({ adminToken: undefined })
  })

  it.each([['{"url":'], [{ ...state, pid: -1 }], [{ ...state, url: 'nowhere' }], ['null']])(
    'refuses %j as a state file',
    async (value) => {
      await writeState(value)
      await expect(discoverLocalGateway({ stateDir: folder.path })).rejects.toBeInstanceOf(StateFileError)
    },
  )
})

describe('stateFolder', () => {
  it('is ~/.mcpp when nothing says otherwise', () => {
    expect(stateFolder({ env: {} })).toBe(join(homedir(), '.mcpp'))
  })
})
