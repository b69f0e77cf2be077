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

/** A database that is not there: what it was told, in order. */
export interface Recorded {
  readonly db: Kysely<StoreTables>
  readonly statements: string[]
}

/** The rows that a statement finds. */
export type Answer = (sql: string) => object[]

/** Compiles for SQL Server and runs nothing. */
export function recordedMssql(answer: Answer): Recorded {
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

/** Our Oracle dialect and driver on a pool that only writes down what it is told. */
export function recordedOracle(answer: Answer): Recorded {
  const statements: string[] = []
  const client = {
    execute: async (sql: string, _binds: readonly unknown[], { autoCommit }: { autoCommit: boolean }) => {
      statements.push(autoCommit ? `${sql} -- commits` : sql)
      return { rows: answer(sql), rowsAffected: 0 }
    },
    commit: async () => void statements.push('-- commit'),
    rollback: async () => void statements.push('-- rollback'),
    close: async () => undefined,
  }
  const pool = { getConnection: async () => client, close: async () => undefined }
  return { db: new Kysely<StoreTables>({ dialect: new OracleDialect({ pool, outFormat: 4002 }) }), statements }
}
