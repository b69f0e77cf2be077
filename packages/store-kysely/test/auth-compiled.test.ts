import { describe, expect, it } from '@jest/globals'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  DummyDriver,
  Kysely,
  MssqlAdapter,
  MssqlIntrospector,
  MssqlQueryCompiler,
} from 'kysely'
import type { StoreTables } from '../src/index.js'
import { OracleDialect } from '../src/oracle/dialect.js'
import { everyAuthQuery } from './auth-queries.js'

interface Recorded {
  readonly db: Kysely<StoreTables>
  readonly statements: string[]
}

// The one row that must be found: the version.
const answer = (sql: string): object[] => (/^select .*"registry_version"/.test(sql) ? [{ v: '1', pruned: '0' }] : [])

function mssql(): Recorded {
  const statements: string[] = []
  const connection: DatabaseConnection = {
    executeQuery: async <R>({ sql }: CompiledQuery) => {
      statements.push(sql)
      return { rows: answer(sql) as R[] }
    },
    streamQuery: () => {
      throw new Error('nothing streams')
    },
  }
  const driver = new DummyDriver()
  driver.acquireConnection = async () => connection
  const dialect: Dialect = {
    createAdapter: () => new MssqlAdapter(),
    createDriver: () => driver,
    createIntrospector: (on) => new MssqlIntrospector(on),
    createQueryCompiler: () => new MssqlQueryCompiler(),
  }
  return { db: new Kysely<StoreTables>({ dialect }), statements }
}

function oracle(): Recorded {
  const statements: string[] = []
  const client = {
    execute: async (sql: string) => {
      statements.push(sql)
      return { rows: answer(sql), rowsAffected: 0 }
    },
    commit: async () => undefined,
    rollback: async () => undefined,
    close: async () => undefined,
  }
  const pool = { getConnection: async () => client, close: async () => undefined }
  return { db: new Kysely<StoreTables>({ dialect: new OracleDialect({ pool, outFormat: 4002 }) }), statements }
}

describe('the stores of users, keys, tokens and audit (compiled, not run)', () => {
  it.each([
    ['SQL Server', 'mssql', mssql, /\blimit\b|\bdual\b|fetch/],
    ['Oracle', 'oracle', oracle, /\blimit\b|\btop\(| values \(.*\), \(|@\d|"actor" =/],
  ] as const)('say nothing to %s that only others understand', async (_name, dialect, make, foreign) => {
    const { db, statements } = make()
    await everyAuthQuery(db, dialect)
    expect(statements).toMatchSnapshot()
    expect(statements.join('\n')).not.toMatch(foreign)
    expect(statements.join('\n')).not.toMatch(/on conflict|on duplicate key|\breturning\b|`|excluded\./)
  })
})
