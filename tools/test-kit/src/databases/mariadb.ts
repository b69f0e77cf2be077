import { randomUUID } from 'node:crypto'
import { access, chown, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { stoppable } from '../lifecycle.js'
import { freePort } from '../ports.js'
import { tempDir } from '../temp.js'
import { type Availability, unavailable } from './availability.js'
import { isRoot, runOnce, systemUser } from './run-once.js'
import { ServerProcess } from './server-process.js'
import { notControllable, type TestDatabase, withDatabase } from './test-database.js'

/**
 * Starts a MariaDB on a free port (about 1 s), or takes TEST_MYSQL_URL (a user who may create databases).
 * Answers a reason instead where none is installed; throws then if TEST_REQUIRE_DATABASES=1.
 */
export async function startMariadb(): Promise<Availability<TestDatabase>> {
  const given = process.env['TEST_MYSQL_URL']
  if (given !== undefined && given !== '') return { database: givenMariadb(given) }
  const [install, daemon] = await Promise.all([findProgram('mariadb-install-db'), findProgram('mariadbd')])
  if (install === undefined || daemon === undefined) {
    return unavailable(
      'MariaDB is not installed: apt-get install mariadb-server-core mariadb-client-core, or set TEST_MYSQL_URL',
    )
  }
  return { database: await ownMariadb(install, daemon) }
}

const SBIN = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec']

async function findProgram(name: string): Promise<string | undefined> {
  for (const dir of [...(process.env['PATH'] ?? '').split(delimiter), ...SBIN]) {
    const path = join(dir, name)
    const found = await access(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}

async function ownMariadb(install: string, daemon: string): Promise<TestDatabase> {
  const folder = await tempDir('mcpp-mariadb-')
  const data = join(folder.path, 'data')
  // A server that starts, the installer's too, deletes the temporary tables in its tmpdir: in /tmp those of its neighbours too.
  const ownTemporary = `--tmpdir=${folder.path}`
  const asNobody = isRoot() ? ['--user=nobody'] : []
  const nobody = isRoot() ? await systemUser('nobody') : undefined
  if (nobody !== undefined) await chown(folder.path, nobody.uid, nobody.gid)
  await runOnce(install, [
    '--no-defaults',
    ...asNobody,
    `--datadir=${data}`,
    ownTemporary,
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ])
  const accounts = join(folder.path, 'accounts.sql')
  const grants = ["create or replace user test@'%' identified by ''", "grant all on *.* to test@'%' with grant option"]
  await writeFile(accounts, grants.map((statement) => `${statement};\n`).join(''), { mode: 0o644 })
  const port = await freePort()
  const server = new ServerProcess({
    name: 'mariadbd',
    command: daemon,
    args: [
      '--no-defaults',
      ...asNobody,
      `--datadir=${data}`,
      ownTemporary,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--socket=${join(folder.path, 'sock')}`,
      `--pid-file=${join(folder.path, 'pid')}`,
      `--init-file=${accounts}`,
      '--innodb-flush-log-at-trx-commit=2',
      '--innodb-buffer-pool-size=32M',
    ],
    cwd: folder.path,
    isReady: (line) => line.includes('ready for connections'),
    graceMs: 60_000,
  })
  await server.start()
  const url = `mysql://test@127.0.0.1:${port}/mysql`
  const stop = async (): Promise<void> => {
    await server.halt()
    await folder.stop()
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

function givenMariadb(url: string): TestDatabase {
  const { hostname, port } = new URL(url)
  return {
    url,
    host: hostname,
    port: Number(port || 3306),
    controllable: false,
    createDatabase: () => createDatabase(url),
    halt: notControllable,
    kill9: notControllable,
    resume: notControllable,
    ...stoppable(async () => undefined),
  }
}

async function createDatabase(url: string): Promise<string> {
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection(url)
  const name = `test_${randomUUID().replaceAll('-', '')}`
  try {
    await connection.query(`create database \`${name}\``)
  } finally {
    await connection.end()
  }
  return withDatabase(url, name)
}
