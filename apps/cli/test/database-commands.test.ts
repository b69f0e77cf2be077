import { copyFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type TempDir, tempDir, waitFor } from '@mcp-platform/test-kit'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import { mcpp, type Run, startMcpp } from './mcpp.js'

const MASTER_KEY = '6b'.repeat(32)
let folder: TempDir
beforeAll(async () => {
  folder = await tempDir()
})
afterAll(() => folder.stop())

interface Place {
  readonly database: string
  readonly stateDir: string
}

let places = 0

/** A state folder of its own, and a database file that is not there yet. */
function newPlace(database?: string): Place {
  places += 1
  const stateDir = join(folder.path, `state-${places}`)
  return { stateDir, database: database ?? `sqlite://${join(folder.path, `gateway-${places}.db`)}` }
}

function environment({ database, stateDir }: Place): Record<string, string> {
  const key = { MCP_GATEWAY_MASTER_KEY: MASTER_KEY }
  return { MCPP_STATE_DIR: stateDir, MCPP_CONFIG_DIR: stateDir, MCP_GATEWAY_DATABASE_URL: database, ...key }
}

const at = (place: Place, ...args: string[]): Promise<Run> => mcpp(['gateway', ...args], { env: environment(place) })
const db = (place: Place, ...args: string[]): Promise<Run> => at(place, 'db', ...args)

/** Starts a gateway there in the foreground, and lets it go after the work. */
async function whileServing(place: Place, work: () => Promise<void>): Promise<void> {
  const running = startMcpp(['gateway', 'start', '--port', '0'], { env: environment(place) })
  try {
    await Promise.race([
      waitFor(() => running.stdout().includes('Authentication is'), { what: 'it does not start' }),
      running.ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ])
    await work()
  } finally {
    running.child.kill('SIGTERM')
    await running.ended
  }
}

const register = async (place: Place, id: string): Promise<void> => {
  const done = await at(place, 'register', 'files', '--id', id, '--endpoint', 'http://127.0.0.1:9/mcp')
  expect(done).toMatchObject({ code: 0 })
}

const listed = async (place: Place): Promise<string> => (await at(place, 'list', 'files')).stdout

/** One sentence, which names what is wrong, and an exit code; nothing on the standard output. */
function refuses(run: Run, what: RegExp): void {
  expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 1, stdout: '' })
  expect(run.stderr).toMatch(what)
  expect(run.stderr.match(/^Error: /gm)).toHaveLength(1)
  expect(run.stderr).not.toMatch(/\n\s+at /)
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

describe('mcpp gateway db', () => {
  it('blames the file, and not the database, for a backup that cannot be written', async () => {
    const place = newPlace()
    expect(await db(place, 'migrate')).toMatchObject({ code: 0 })
    const nowhere = join(folder.path, 'nowhere', 'backup')
    refuses(await db(place, 'backup', nowhere), /^Error: The backup cannot be written to .*nowhere\/backup \(ENOENT/)
  })

  it('says what is there and what is to do, and brings it up to date once', async () => {
    const place = newPlace()
    refuses(await db(place, 'status'), /cannot be opened/)
    expect(await isThere(place.database.slice('sqlite://'.length))).toBe(false)
    const migrated = await db(place, 'migrate')
    expect(migrated).toMatchObject({ code: 0, stderr: '' })
    expect(migrated.stdout).toContain('is up to date; done: 001')
    expect((await db(place, 'migrate')).stdout).toContain('had the schema of this version already')
    expect((await db(place, 'status')).stdout).toContain('has the schema of this version')
    expect(JSON.parse((await db(place, 'status', '--json')).stdout)).toMatchObject({ state: 'current', pending: [] })
  })

  it('backs up under a running gateway, and brings everything back, also under one', async () => {
    const place = newPlace()
    const file = join(folder.path, 'whole.backup')
    await whileServing(place, async () => {
      await register(place, 'kept')
      expect(await db(place, 'backup', file)).toMatchObject({ code: 0, stderr: '' })
      await register(place, 'later')
      refuses(await db(place, 'restore', file), /is not empty; --replace puts the backup in the place/)
      expect(await listed(place)).toContain('later')
      const restored = await db(place, 'restore', file, '--replace')
      expect(restored).toMatchObject({ code: 0, stderr: '' })
      await waitFor(async () => !(await listed(place)).includes('later'))
      expect(await listed(place)).toContain('kept')
    })
    const other = newPlace()
    expect((await db(other, 'restore', file)).stdout).toMatch(/ is as it was at \d{4}-.*: \d+ rows\./)
    await whileServing(other, async () => expect(await listed(other)).toContain('kept'))
  })

  it('refuses what it cannot trust, in one sentence, and leaves no half of it behind', async () => {
    const place = newPlace()
    await db(place, 'migrate')
    const plain = join(folder.path, 'plain.backup')
    const sealed = join(folder.path, 'sealed.backup')
    const passphrase = join(folder.path, 'passphrase')
    await writeFile(passphrase, 'correct horse\n')
    expect((await db(place, 'backup', plain)).code).toBe(0)
    const made = await db(place, 'backup', sealed, '--passphrase-file', passphrase)
    expect(made.stdout).toContain(', encrypted.')
    expect((await stat(sealed)).mode & 0o777).toBe(0o600)

    const target = newPlace()
    const damaged = join(folder.path, 'damaged.backup')
    const bytes = await readFile(plain)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    await writeFile(damaged, bytes)
    refuses(await db(target, 'restore', damaged), /is damaged: its checksum does not fit/)
    refuses(await db(target, 'restore', join(folder.path, 'none')), /cannot be read/)
    await writeFile(damaged, 'something else')
    refuses(await db(target, 'restore', damaged), /is not a backup of a gateway/)
    refuses(await db(target, 'restore', sealed), /is encrypted; give its passphrase/)
    const wrong = join(folder.path, 'wrong')
    await writeFile(wrong, 'wrong horse')
    refuses(await db(target, 'restore', sealed, '--passphrase-file', wrong), /passphrase is another one/)
    expect(await isThere(target.database.slice('sqlite://'.length))).toBe(false)

    const given = { ...environment(target), MCPP_BACKUP_PASSPHRASE: 'correct horse' }
    expect((await mcpp(['gateway', 'db', 'restore', sealed], { env: given })).code).toBe(0)
    expect((await db(target, 'status')).stdout).toContain('has the schema of this version')
  })

  it('does not write a backup over another one unless it is whole', async () => {
    const place = newPlace()
    const file = join(folder.path, 'before.backup')
    await db(place, 'migrate')
    await db(place, 'backup', file)
    const before = await readFile(file)
    refuses(await db(newPlace(), 'backup', file), /./)
    expect((await readFile(file)).equals(before)).toBe(true)
    await copyFile(file, `${file}.copy`)
    expect((await db(newPlace(), 'restore', `${file}.copy`)).code).toBe(0)
  })
})

const { database: server, reason } = await startPostgres()
if (server === undefined) {
  describe.skip(`PostgreSQL: ${reason}`, () => {
    it('is not run', () => undefined)
  })
} else {
  afterAll(() => server.stop())
  describe('with PostgreSQL', () => {
    it('the commands do the same, and a backup moves between kinds of databases', async () => {
      const place = newPlace(await server.createDatabase())
      const file = join(folder.path, 'postgres.backup')
      expect((await db(place, 'status')).stdout).toContain('is empty: a start')
      expect((await db(place, 'migrate')).stdout).toContain('is up to date; done: 001')
      await whileServing(place, () => register(place, 'moved'))
      expect((await db(place, 'backup', file)).stdout).toContain(' of postgres')
      const files = newPlace()
      expect(await db(files, 'restore', file)).toMatchObject({ code: 0, stderr: '' })
      await whileServing(files, async () => expect(await listed(files)).toContain('moved'))
      refuses(await db(place, 'restore', file), /is not empty/)
      expect((await db(place, 'restore', file, '--replace')).code).toBe(0)
      await server.halt()
      for (const command of [['status'], ['migrate'], ['backup', `${file}.2`], ['restore', file]]) {
        refuses(await db(place, ...command), /does not answer/)
      }
      expect(await isThere(`${file}.2`)).toBe(false)
      await server.resume()
    })
  })
}
