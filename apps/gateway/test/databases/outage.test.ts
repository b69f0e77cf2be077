import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer, startTcpProxy, tempDir, waitFor } from '@mcp-platform/test-kit'
import { openStores } from '../../src/index.js'
import { instance, type NodeProcess, onServers, refusedNode, startNode } from './support.js'

let upstream: FaultServer

beforeAll(async () => {
  upstream = await startFaultServer()
})
afterAll(() => upstream.stop())

const health = async (node: NodeProcess) => (await node.get('/gateway/health')).json.database

const becomes = (node: NodeProcess, database: string) =>
  waitFor(async () => (await health(node)) === database, { what: `the database is ${database}` })

/** A tool call, which needs no database. */
const call = (node: NodeProcess) => node.post('/mcp/fs/tools/call', { name: 'echo', arguments: {} })

/** A node that serves one instance, which answers. */
async function serving(options: Parameters<typeof startNode>[0]): Promise<NodeProcess> {
  const node = await startNode(options)
  const registered = await node.admin('POST', '/gateway/register?probe=true', instance('up', upstream.url))
  expect(registered.status).toBe(201)
  expect((await call(node)).status).toBe(200)
  return node
}

/** Calls go on; changes are refused while the database is away, as the contract says, and leave nothing behind. */
async function servesWithoutDatabase(node: NodeProcess): Promise<void> {
  expect((await call(node)).status).toBe(200)
  const refused = await Promise.all(
    [1, 2, 3].map((n) => node.admin('POST', '/gateway/register', instance(`refused-${n}`))),
  )
  for (const { status, json, headers } of refused) {
    expect({ status, code: json.code }).toEqual({ status: 503, code: 'DATABASE_UNAVAILABLE' })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect((await call(node)).status).toBe(200)
  expect(await health(node)).toBe('unavailable')
  expect((await node.get('/health/live')).status).toBe(200)
  expect((await node.get('/health/ready')).status).toBe(200)
}

/** Everything works again by itself, and of the refused changes nothing is there. */
async function recovers(node: NodeProcess): Promise<void> {
  await becomes(node, 'ok')
  // Connections that were begun before it was back may still hold places of a small pool, and the server the locks of a
  // transaction whose node it cannot see any more.
  const register = () => node.admin('POST', '/gateway/register', instance('after'))
  await waitFor(async () => (await register()).status < 300, {
    pollMs: 200,
    what: 'a change is taken',
  })
  const { templates } = (await node.get('/gateway/registry')).json
  expect(templates.fs.instances.map(({ id }: { id: string }) => id)).toEqual(['after', 'up'])
  expect((await node.admin('DELETE', '/gateway/deregister/fs/after')).status).toBe(200)
}

await onServers((server) => {
  it('may stop or crash: calls go on, changes answer 503, and it comes back by itself', async () => {
    const node = await serving({ database: await server.createDatabase() })
    for (const end of [() => server.halt(), () => server.kill9()]) {
      await end()
      try {
        await becomes(node, 'unavailable')
        await servesWithoutDatabase(node)
      } finally {
        await server.resume()
      }
      await recovers(node)
    }
    await node.stop()
  })

  it('may be away at a restart: the gateway serves what it knew, and takes up changes of others later', async () => {
    const database = await server.createDatabase()
    const first = await serving({ database })
    const { stateDir } = first
    await first.kill9()
    const mode = (await stat(join(stateDir, 'snapshot'))).mode & 0o777
    expect(mode).toBe(0o600)
    await server.halt()
    let node: NodeProcess
    try {
      node = await startNode({ database, stateDir })
      await waitFor(async () => (await call(node)).status === 200)
      await servesWithoutDatabase(node)
    } finally {
      await server.resume()
    }
    await recovers(node)
    const stores = await openStores({ database })
    const put = { op: 'put-template', template: { name: 'elsewhere', settings: {} } } as const
    await stores.registry.commit({ action: 'test', operations: [put] }, { actor: 'another node' })
    await stores.close()
    await waitFor(async () => (await node.get('/gateway/templates/elsewhere')).status === 200)
    await node.stop()
  })

  it('must be there at a first start, and when the snapshot was changed: one sentence, exit code 1', async () => {
    const database = await server.createDatabase()
    const node = await serving({ database })
    const { stateDir } = node
    await node.stop()
    const path = join(stateDir, 'snapshot')
    const bytes = await readFile(path)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await writeFile(path, bytes)
    await server.halt()
    try {
      for (const folder of [stateDir, (await tempDir()).path]) {
        const refused = await refusedNode({ database, stateDir: folder })
        expect(refused).toMatchObject({ code: 'DATABASE_UNREACHABLE', exitCode: 1 })
        expect(refused.message).toMatch(/does not answer \(.*ECONNREFUSED/)
      }
    } finally {
      await server.resume()
    }
  })

  it('may lose every byte, or be slow: statements end in time, the pool keeps its size, a shutdown is not held up', async () => {
    const proxy = await startTcpProxy({ host: server.host, port: server.port })
    try {
      const database = through(await server.createDatabase(), proxy.port)
      const flags = {
        'database-pool-size': 3,
        'database-acquire-timeout': 0.5,
        'database-statement-timeout': 0.5,
      }
      const node = await serving({ database, flags })
      await proxy.setMode({ kind: 'black-hole' })
      await becomes(node, 'unavailable')
      await servesWithoutDatabase(node)
      await proxy.setMode({ kind: 'pass' })
      await recovers(node)
      await proxy.setMode({ kind: 'slice', bytes: 1, delayMs: 100 })
      await becomes(node, 'unavailable')
      await servesWithoutDatabase(node)
      expect(await established(proxy.port)).toBeLessThanOrEqual(3)
      await proxy.setMode({ kind: 'pass' })
      await recovers(node)
      await proxy.setMode({ kind: 'black-hole' })
      // It ends in bounded time also now; `stop` kills what does not.
      await node.end()
    } finally {
      await proxy.stop()
    }
  })

  it('may be away for a region no longer than it says: then calls and readiness are 503, until it is back', async () => {
    const flags = { region: 'eu', 'max-stale': 4 }
    const node = await serving({ database: await server.createDatabase(), flags })
    await server.halt()
    try {
      await becomes(node, 'unavailable')
      const ready = () => node.get('/health/ready')
      await waitFor(async () => (await ready()).status === 503, { what: 'it is still ready' })
      expect((await ready()).json.reason).toBe('region "eu" has been cut off from the database for more than 4 s')
      const refused = await call(node)
      expect(refused).toMatchObject({ status: 503, json: { code: 'DATABASE_UNAVAILABLE', executed: 'no' } })
      expect(refused.json.detail).toContain('cut off from the database')
      expect((await node.get('/health/live')).status).toBe(200)
    } finally {
      await server.resume()
    }
    await waitFor(async () => (await call(node)).status === 200, { what: 'it serves again' })
    expect((await node.get('/health/ready')).status).toBe(200)
    await node.stop()
  })

  it('may become read only: reads go on, changes answer 503 until it takes them again', async () => {
    const database = await ordinaryUser(await server.createDatabase())
    const node = await serving({ database })
    await readOnly(server.url, database, true)
    try {
      expect((await node.admin('POST', '/gateway/register', instance('refused'))).json.code).toBe(
        'DATABASE_UNAVAILABLE',
      )
      await servesWithoutDatabase(node)
    } finally {
      await readOnly(server.url, database, false)
    }
    await recovers(node)
    await node.stop()
  })
})

/** Connections to a port that its clients hold open, as the system sees them; those being closed do not count. */
async function established(port: number): Promise<number> {
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n')
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return lines.filter((line) => {
    const [, , to = '', state] = line.trim().split(/\s+/)
    return to.endsWith(remote) && state === '01'
  }).length
}

function through(url: string, port: number): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href
}

/** MariaDB's own test user may write also where nobody may. */
async function ordinaryUser(database: string): Promise<string> {
  if (database.startsWith('postgres')) return database
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection(database)
  const name = new URL(database).pathname.slice(1)
  await connection.query("create or replace user app@'%' identified by ''")
  await connection.query(`grant all on \`${name}\`.* to app@'%'`)
  await connection.end()
  const changed = new URL(database)
  changed.username = 'app'
  return changed.href
}

/** Makes a database refuse writes, as a replica does after a failover. */
async function readOnly(serverUrl: string, database: string, on: boolean): Promise<void> {
  if (!database.startsWith('postgres')) {
    const { createConnection } = await import('mysql2/promise')
    const connection = await createConnection(serverUrl)
    await connection.query(`set global read_only = ${on ? 1 : 0}`)
    await connection.end()
    return
  }
  const { Client } = (await import('pg')).default
  const client = new Client({ connectionString: serverUrl })
  await client.connect()
  const name = new URL(database).pathname.slice(1)
  await client.query(`alter database "${name}" set default_transaction_read_only = ${on ? 'on' : 'off'}`)
  // Connections that are open keep the old setting.
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
  await client.end()
}

describe('nothing', () => {
  it('of a password is in what a refused start says', async () => {
    for (const url of ['postgres://u:S3cret@127.0.0.1:1/x', 'mysql://u:S3cret@127.0.0.1:1/x']) {
      const { message } = await refusedNode({ database: url })
      expect(message).toContain('u:***@127.0.0.1:1/x')
      expect(message).not.toContain('S3cret')
    }
  })
})
