import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestDatabase } from '@mcp-platform/test-kit/databases'
import Database from 'better-sqlite3'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import { createPool } from 'mysql2'
import pg from 'pg'
import { type DialectName, SQLITE_PRAGMAS, type StoreTables } from '../src/index.js'
import { migrate } from '../src/migrations.js'

/** A database for one test: several connections may be opened on it; `close` ends them all and removes it. */
export interface TestBed {
  readonly dialect: DialectName
  /** Another connection to the same data, as a second process would have it. */
  open(): Promise<Kysely<StoreTables>>
  close(): Promise<void>
}

type Opener = () => Kysely<StoreTables>

/** Opens connections as they are asked for, and closes all of them before it cleans up. */
export function bed(
  dialect: DialectName,
  opener: Opener,
  cleanUp: () => Promise<unknown> = async () => undefined,
): TestBed {
  const opened: Kysely<StoreTables>[] = []
  return {
    dialect,
    open: async () => {
      const db = opener()
      opened.push(db)
      return db
    },
    close: async () => {
      for (const db of opened) await db.destroy()
      await cleanUp()
    },
  }
}

export function openSqlite(path: string): Kysely<StoreTables> {
  const database = new Database(path)
  for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma)
  return new Kysely<StoreTables>({ dialect: new SqliteDialect({ database }) })
}

/** Every connection of it is the same one: a memory database has no other. */
export async function sqliteMemory(): Promise<TestBed> {
  const db = openSqlite(':memory:')
  const shared = bed('sqlite', () => db)
  return { ...shared, close: () => db.destroy() }
}

export async function sqliteFile(): Promise<TestBed & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'store-kysely-'))
  const path = join(folder, 'gateway.db')
  return {
    path,
    ...bed(
      'sqlite',
      () => openSqlite(path),
      () => rm(folder, { recursive: true }),
    ),
  }
}

export async function postgres(server: TestDatabase): Promise<TestBed> {
  const connectionString = await server.createDatabase()
  return bed('postgres', () => {
    const pool = new pg.Pool({ connectionString, max: 4 })
    // A connection that breaks is reported by the statement that is under way; without listeners it would end the process.
    pool.on('error', () => undefined)
    pool.on('connect', (client) => client.on('error', () => undefined))
    return new Kysely<StoreTables>({ dialect: new PostgresDialect({ pool }) })
  })
}

export async function mariadb(server: TestDatabase): Promise<TestBed> {
  const uri = await server.createDatabase()
  return bed(
    'mysql',
    () => new Kysely<StoreTables>({ dialect: new MysqlDialect({ pool: createPool({ uri, connectionLimit: 4 }) }) }),
  )
}

/** A bed whose schema is there. */
export async function migrated<B extends TestBed>(making: Promise<B>): Promise<B> {
  const made = await making
  await migrate(await made.open(), made.dialect)
  return made
}
