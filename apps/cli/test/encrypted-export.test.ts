import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type TempDir, tempDir, waitFor } from '@mcp-platform/test-kit'
import { mcpp, type Run, type RunningMcpp, startMcpp } from './mcpp.js'
import { startOnTerminal } from './terminal.js'

const PASSPHRASE = 'correct horse battery'
let folder: TempDir
let running: RunningMcpp | undefined
let sealed = ''
let env: Readonly<Record<string, string>> = {}

const run = (words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Run> =>
  mcpp(['gateway', ...words], { env: { ...env, ...more } })
const place = (name: string): string => join(folder.path, name)

async function written(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(place(name), content)
  return place(name)
}

beforeAll(async () => {
  folder = await tempDir()
  env = { MCPP_STATE_DIR: place('state'), MCPP_CONFIG_DIR: place('state') }
  running = startMcpp(['gateway', 'start', '--port', '0'], { env })
  const { ended, stdout } = running
  await Promise.race([
    waitFor(() => stdout().includes('Authentication is'), { what: 'it does not start' }),
    ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ])
  const made = await run(['register', 'files', '--id', 'a', '--endpoint', 'http://127.0.0.1:9/mcp'])
  expect(made).toMatchObject({ code: 0 })
  sealed = place('sealed.export')
  const exported = await run(['export', sealed, '--passphrase-file', await written('passphrase', `${PASSPHRASE}\n`)])
  expect(exported).toMatchObject({ code: 0, stdout: expect.stringContaining(`Wrote ${sealed}, encrypted.`) })
})

afterAll(async () => {
  running?.child.kill('SIGTERM')
  await running?.ended
  await folder.stop()
})

/** One sentence that names what is wrong, and nothing on the standard output. */
function refuses(ended: Run, code: number, what: RegExp): void {
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' })
  expect(ended.stderr).toMatch(what)
  expect(ended.stderr.match(/^Error: /gm)).toHaveLength(1)
  expect(ended.stderr).not.toMatch(/\n\s+at /)
}

describe('an encrypted export', () => {
  it('shows nothing, is for its owner only, and comes back with its passphrase', async () => {
    const bytes = await readFile(sealed)
    for (const text of ['files', '127.0.0.1', 'checksum', PASSPHRASE]) expect(bytes.includes(text)).toBe(false)
    expect((await stat(sealed)).mode & 0o777).toBe(0o600)
    const opened = await run(['import', sealed, '--passphrase-file', place('passphrase'), '--json'])
    expect(JSON.parse(opened.stdout)).toMatchObject({ unchanged: [{ template_name: 'files', instance_id: 'a' }] })
    const planned = await run(['import', sealed, '--dry-run'], { MCPP_BACKUP_PASSPHRASE: PASSPHRASE })
    expect([planned.code, planned.stdout]).toEqual([0, expect.stringMatching(/files +a +unchanged/)])
  })

  it('is asked for its passphrase on a terminal', async () => {
    await using terminal = startOnTerminal(['gateway', 'import', sealed], env)
    await terminal.answer('Passphrase of the export: ', PASSPHRASE)
    const { code, screen } = await terminal.ended
    expect([code, screen]).toEqual([0, expect.stringMatching(/files +a +unchanged/)])
    expect(screen).not.toContain(PASSPHRASE)
  })

  it('is refused without its passphrase or with another one, and when it is damaged that is said first', async () => {
    refuses(await run(['import', sealed]), 1, /export is encrypted; give its passphrase[\s\S]*--passphrase-file/)
    const wrong = await written('wrong', 'wrong horse')
    refuses(await run(['import', sealed, '--passphrase-file', wrong]), 1, /passphrase is another one/)
    const bytes = await readFile(sealed)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    const damaged = await written('damaged.export', bytes)
    refuses(await run(['import', damaged]), 1, /is damaged: its checksum does not fit/)
    refuses(await run(['import', damaged, '--passphrase-file', wrong]), 1, /is damaged: its checksum does not fit/)
    const input = await readFile(sealed, 'latin1')
    refuses(await mcpp(['gateway', 'import', '-'], { env, input }), 2, /read from a file, not from standard input/)
  })

  it('is written to a file or not at all, and a passphrase is never left out of account', async () => {
    refuses(await run(['export'], { MCPP_BACKUP_PASSPHRASE: PASSPHRASE }), 2, /needs a file/)
    refuses(await run(['export', place('x'), '--passphrase-file', place('none')]), 1, /cannot be read/)
    const nowhere = join(folder.path, 'no', 'where')
    refuses(await run(['export', nowhere], { MCPP_BACKUP_PASSPHRASE: PASSPHRASE }), 1, /cannot be written \(ENOENT\)/)
    await expect(stat(place('x'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('and a backup are not taken for each other', async () => {
    const backup = place('b')
    expect((await run(['db', 'backup', backup])).code).toBe(0)
    refuses(await run(['import', backup]), 1, /is not an export of a gateway/)
    const given = { MCPP_BACKUP_PASSPHRASE: PASSPHRASE }
    refuses(await run(['db', 'restore', sealed, '--replace'], given), 1, /is not a backup of a gateway/)
  })
})
