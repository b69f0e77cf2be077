import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { tempDir, waitFor } from '@mcp-platform/test-kit'
import SqliteDatabase from 'better-sqlite3'
import { backupDatabase, databaseStatus, migrateDatabase, openStores, restoreDatabase } from '../../src/index.js'
import { instance, type NodeProcess, onServers, startNode } from './support.js'

const env = {}
const of = (database: string) => ({ flags: { database }, env })
const VERSION = '1.2.3'

const ids = async (node: NodeProcess): Promise<string[]> => {
  const { templates } = (await node.get('/gateway/registry')).json
  return (templates.fs?.instances ?? []).map(({ id }: { id: string }) => id)
}

async function newFile(): Promise<string> {
  return `sqlite://${join((await tempDir()).path, 'gateway.db')}`
}

/** Backs up under a running gateway, restores over it, and it has what it had. */
async function roundTrip(database: string): Promise<string> {
  const node = await startNode({ database })
  for (const id of ['a', 'b', 'c']) {
    expect((await node.admin('POST', '/gateway/register', instance(id))).status).toBe(201)
  }
  const file = join((await tempDir()).path, 'gateway.bak')
  const made = await backupDatabase(of(database), { file, version: VERSION })
  expect(made).toMatchObject({ file, encrypted: false, rows: { instances: 3, templates: 1 } })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(file)).size).toBe(made.bytes)

  await node.admin('DELETE', '/gateway/deregister/fs/a')
  await node.admin('POST', '/gateway/register', instance('later'))
  await expect(restoreDatabase(of(database), { file })).rejects.toMatchObject({ code: 'BACKUP_TARGET_NOT_EMPTY' })
  expect(await ids(node)).toEqual(['b', 'c', 'later'])
  const restored = await restoreDatabase(of(database), { file, replace: true })
  expect(restored.rows).toEqual(made.rows)
  await waitFor(async () => (await ids(node)).join() === 'a,b,c', {
    what: 'the node has taken it over',
  })
  expect((await node.admin('POST', '/gateway/register', instance('d'))).status).toBe(201)
  await node.stop()
  return file
}

describe('a backup', () => {
  it('of SQLite comes back under a running gateway', async () => {
    await roundTrip(await newFile())
  })

  it('that is encrypted shows nothing, and opens with its passphrase only', async () => {
    const database = await newFile()
    await makeTemplate(database, 'canary-template')
    const file = join((await tempDir()).path, 'b')
    await backupDatabase(of(database), { file, passphrase: 'correct horse', version: VERSION })
    const target = of(await newFile())
    for (const passphrase of [undefined, 'wrong horse']) {
      await expect(restoreDatabase(target, { file, passphrase })).rejects.toMatchObject({ code: 'BACKUP_PASSPHRASE' })
    }
    await restoreDatabase(target, { file, passphrase: 'correct horse' })
    expect(await templates(target.flags.database)).toEqual(['canary-template'])
  })

  it.each(['correct horse', undefined])(
    'that was changed anywhere is refused, and changes nothing (%s)',
    async (passphrase) => {
      const database = await newFile()
      await makeTemplate(database, 'original')
      const file = join((await tempDir()).path, 'b')
      await backupDatabase(of(database), { file, passphrase, version: VERSION })
      const whole = await readFile(file)
      const target = await newFile()
      await makeTemplate(target, 'kept')
      for (const at of [3, 40, Math.floor(whole.length / 2), whole.length - 40, whole.length - 1]) {
        const changed = Buffer.from(whole)
        changed[at] = (changed[at] ?? 0) ^ 1
        await writeFile(file, changed)
        const restoring = restoreDatabase(of(target), { file, passphrase, replace: true })
        await expect(restoring).rejects.toMatchObject({ code: 'BACKUP_INVALID' })
      }
      for (const length of [0, 20, whole.length - 1]) {
        await writeFile(file, whole.subarray(0, length))
        const restoring = restoreDatabase(of(target), { file, passphrase, replace: true })
        await expect(restoring).rejects.toMatchObject({ code: 'BACKUP_INVALID' })
      }
      expect(await templates(target)).toEqual(['kept'])
    },
  )

  it('of an older version is brought up on the way; of a newer one it is refused', async () => {
    const database = await newFile()
    await makeTemplate(database, 'old')
    const path = database.slice('sqlite://'.length)
    const latest = '029_audit_links_event_id'
    const without = 'alter table load_balancer_configs drop column signature'
    alter(path, `delete from schema_migrations where name = '${latest}'`, without)
    const file = join((await tempDir()).path, 'b')
    await backupDatabase(of(database), { file, version: VERSION })
    const target = await newFile()
    await restoreDatabase(of(target), { file })
    expect(await templates(target)).toEqual(['old'])

    expect(await databaseStatus(of(database))).toMatchObject({ state: 'pending', pending: [latest] })
    expect((await migrateDatabase(of(database))).applied).toEqual([latest])
    alter(path, "insert into schema_migrations (name, timestamp) values ('999_more', 'x')")
    await backupDatabase(of(database), { file, version: VERSION })
    const refused = restoreDatabase(of(target), { file, replace: true })
    await expect(refused).rejects.toMatchObject({ code: 'BACKUP_NEWER', message: expect.stringContaining('999_more') })
    expect(await templates(target)).toEqual(['old'])
  })

  it('is not made of a database that is not there, nor is one made by looking', async () => {
    const database = await newFile()
    const file = join((await tempDir()).path, 'b')
    const failed = { code: 'DATABASE_UNREACHABLE' }
    await expect(databaseStatus(of(database))).rejects.toMatchObject(failed)
    await expect(backupDatabase(of(database), { file, version: VERSION })).rejects.toMatchObject(failed)
    await expect(stat(database.slice('sqlite://'.length))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(restoreDatabase(of(database), { file })).rejects.toMatchObject({ code: 'BACKUP_UNREADABLE' })
  })
})

await onServers((server) => {
  it('comes back from its backup under a running gateway, and moves to SQLite and back', async () => {
    const file = await roundTrip(await server.createDatabase())
    const sqlite = await newFile()
    await restoreDatabase(of(sqlite), { file })
    await backupDatabase(of(sqlite), { file, version: VERSION })
    const moved = await server.createDatabase()
    await restoreDatabase(of(moved), { file })
    const stores = await openStores({ database: moved })
    const { templates: found } = await stores.registry.load()
    await stores.close()
    expect(found.get('fs')?.instances.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })
})

async function makeTemplate(database: string, name: string): Promise<void> {
  const stores = await openStores({ database })
  const put = { op: 'put-template', template: { name, settings: {} } } as const
  await stores.registry.commit({ action: 'test', operations: [put] }, { actor: 'test' })
  await stores.close()
}

async function templates(database: string): Promise<string[]> {
  const stores = await openStores({ database })
  const { templates: found } = await stores.registry.load()
  await stores.close()
  return [...found.keys()]
}

function alter(file: string, ...statements: readonly string[]): void {
  const database = new SqliteDatabase(file, { fileMustExist: true })
  for (const statement of statements) database.exec(statement)
  database.close()
}
