// Migrates an SQLite file and says which migrations it did itself.
import { writeSync } from 'node:fs'
import { SQLITE_PRAGMAS, type StoreTables } from '@mcp-platform/store-kysely'
import { migrate } from '@mcp-platform/store-kysely/migrations'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'

const database = new Database(process.argv[2] ?? '')
for (const pragma of SQLITE_PRAGMAS) database.pragma(pragma)
const db = new Kysely<StoreTables>({ dialect: new SqliteDialect({ database }) })
const { applied } = await migrate(db, 'sqlite')
writeSync(1, JSON.stringify(applied))
await db.destroy()
