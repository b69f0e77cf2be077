import { expect, it } from '@jest/globals'
import { startTcpProxy, waitFor } from '@mcp-platform/test-kit'
import { openStores } from '../../src/index.js'
import { instance, type NodeProcess, onServers, startNode } from './support.js'

type Execute = (statement: string) => Promise<unknown>

/** Another client of the database, with a transaction of its own. */
async function stranger(database: string): Promise<{ readonly execute: Execute; end(): Promise<void> }> {
  if (database.startsWith('postgres')) {
    const { Client } = (await import('pg')).default
    const client = new Client({ connectionString: database })
    await client.connect()
    return { execute: (statement) => client.query(statement), end: () => client.end() }
  }
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection(database)
  return { execute: (statement) => connection.query(statement), end: () => connection.end() }
}

const refused = async (node: NodeProcess, id: string) => {
  const { status, json, headers } = await node.admin('POST', '/gateway/register', instance(id))
  return { status, code: json.code, retries: Number(headers.get('retry-after')) > 0 }
}
const DOWN = { status: 503, code: 'DATABASE_UNAVAILABLE', retries: true }

const takesChanges = (node: NodeProcess, id: string) =>
  waitFor(async () => (await node.admin('POST', '/gateway/register', instance(id))).status < 300, {
    pollMs: 200,
    what: 'a change is taken again',
  })

const ids = async (node: NodeProcess): Promise<string[]> =>
  (await node.get('/gateway/registry')).json.templates.fs.instances.map(({ id }: { id: string }) => id)

await onServers((server, name) => {
  it('may have its rows locked by somebody else: changes answer 503 in time, and nothing of them is left', async () => {
    const database = await server.createDatabase()
    const node = await startNode({ database, flags: { 'database-statement-timeout': 0.5 } })
    await takesChanges(node, 'before')
    const other = await stranger(database)
    await other.execute('begin')
    await other.execute('update registry_version set v = v')
    // The lock is still held when the answer comes.
    expect(await refused(node, 'locked')).toEqual(DOWN)
    expect(await ids(node)).toEqual(['before'])
    expect((await node.get('/health/ready')).status).toBe(200)
    await other.execute('rollback')
    await other.end()
    await takesChanges(node, 'after')
    expect(await ids(node)).toEqual(['after', 'before'])
    await node.stop()
  })

  // A disk of its own that could fill up is not to be had in a test; the server itself says what it says then.
  it('may be full: changes answer 503 until there is room again', async () => {
    const database = await server.createDatabase()
    const node = await startNode({ database })
    await takesChanges(node, 'before')
    const other = await stranger(database)
    for (const statement of FULL[name === 'PostgreSQL' ? 'postgres' : 'mysql']) await other.execute(statement)
    expect(await refused(node, 'refused')).toEqual(DOWN)
    expect(await ids(node)).toEqual(['before'])
    expect((await node.get('/gateway/health')).json.database).toBe('unavailable')
    await other.execute(name === 'PostgreSQL' ? 'drop trigger full_disk on instances' : 'drop trigger full_disk')
    await other.end()
    await takesChanges(node, 'after')
    expect(await ids(node)).toEqual(['after', 'before'])
    await node.stop()
  })

  it('may be away while things are refused: the audit trail gets each of them once, also after kill -9', async () => {
    const direct = await server.createDatabase()
    const proxy = await startTcpProxy({ host: server.host, port: server.port })
    const database = direct.replace(`:${server.port}/`, `:${proxy.port}/`)
    const flags = { auth: true, 'rate-limit': ['login=1000/s', 'unauthenticated=1000/s'] }
    const node = await startNode({ database, flags })
    const { stateDir } = node
    const names: string[] = []
    /** A login that must fail; false when it cannot be looked at while the database is down. */
    const tried = async (to: NodeProcess): Promise<boolean> => {
      const username = `nobody-${names.length}.`
      const { status } = await to.post('/auth/login', { username, password: 'four words that nobody has' })
      expect([401, 503]).toContain(status)
      if (status === 401) names.push(username)
      return status === 401
    }
    for (let n = 0; n < 4; n += 1) expect(await tried(node)).toBe(true)
    // Every byte is lost from here on; what was not written by now must wait: the last one, unless its second ended just before.
    await proxy.setMode({ kind: 'black-hole' })
    expect(await tried(node)).toBe(false)
    const last = names.at(-1) ?? ''
    const isKept = async () =>
      (await spooled(stateDir, last)) || (await trailOf(direct)).some((row) => row.includes(last))
    await waitFor(isKept, { what: 'it is neither in the spool nor in the trail' })
    await node.kill9()
    const again = await startNode({ database, flags, stateDir })
    await proxy.setMode({ kind: 'pass' })
    await waitFor(async () => (await again.get('/gateway/health')).json.database === 'ok')
    await waitFor(async () => !(await spooled(stateDir, last)), { what: 'it was not replayed' })
    await waitFor(() => tried(again))
    await again.stop()
    await proxy.stop()
    const text = await trailOf(direct)
    const counts = names.map((name) => text.filter((row) => row.includes(name)).length)
    expect(counts).toEqual(names.map(() => 1))
    expect(names).toHaveLength(5)
  })
})

/** The audit trail of a database, row by row. */
async function trailOf(database: string): Promise<string[]> {
  const stores = await openStores({ database })
  const rows = await stores.kysely.selectFrom('audit_events').selectAll().execute()
  await stores.close()
  return rows.map((row) => JSON.stringify(row))
}

async function spooled(stateDir: string, text: string): Promise<boolean> {
  const { readFile } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const spool = await readFile(join(stateDir, 'audit', 'spool.jsonl'), 'utf8').catch(() => '')
  return spool.includes(text)
}

const FULL = {
  postgres: [
    `create function full_disk() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`,
    'create trigger full_disk before insert on instances for each row execute function full_disk()',
  ],
  mysql: [
    `create trigger full_disk before insert on instances for each row
      signal sqlstate 'HY000' set mysql_errno = 1021, message_text = 'Disk full'`,
  ],
} as const
