import { describe, expect, it } from '@jest/globals'
import {
  type CompiledQuery,
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  MssqlAdapter,
  MssqlIntrospector,
  MssqlQueryCompiler,
} from 'kysely'
import { kyselyNodeStore } from '../src/gateway.js'
import { kyselyCircuitStore } from '../src/health.js'
import type { StoreTables } from '../src/index.js'
import { MIGRATION_STEPS } from '../src/migration-steps.js'
import { kyselyRegistryStore } from '../src/registry.js'

/** Compiles for SQL Server, runs nothing, and answers every select with one row that fits them all. */
function recorder(): { db: Kysely<StoreTables>; statements: string[] } {
  const statements: string[] = []
  const answer = { v: '1', pruned: '0', instant: '2026-11-22T10:00:00.123Z' }
  const connection: DatabaseConnection = {
    executeQuery: async <R>(query: CompiledQuery) => {
      statements.push(query.sql)
      const rows = /^select .*(from "registry_version"|sysutcdatetime)/.test(query.sql) ? [answer] : []
      return { rows: rows as R[] }
    },
    streamQuery: () => {
      throw new Error('nothing streams')
    },
  }
  const driver = new DummyDriver()
  driver.acquireConnection = async () => connection
  const db = new Kysely<StoreTables>({
    dialect: {
      createAdapter: () => new MssqlAdapter(),
      createDriver: () => driver,
      createIntrospector: (on) => new MssqlIntrospector(on),
      createQueryCompiler: () => new MssqlQueryCompiler(),
    },
  })
  return { db, statements }
}

describe('SQL Server (compiled, not run)', () => {
  it('gets types and statements that it knows for the schema', async () => {
    const { db, statements } = recorder()
    for (const step of MIGRATION_STEPS) await step.up(db, 'mssql')
    expect(statements).toMatchSnapshot()
    expect(statements.join()).not.toMatch(/if not exists|\btext\b|\bboolean\b/)
  })

  it('gets every query without what only others understand', async () => {
    const { db, statements } = recorder()
    const store = kyselyRegistryStore(db, 'mssql')
    const settings = { maxRetries: 1 }
    await store.commit(
      {
        action: 'test',
        operations: [
          { op: 'delete-template', name: 'old' },
          { op: 'put-template', template: { name: 'fs', settings } },
          { op: 'delete-instance', template: 'fs', id: 'a' },
        ],
      },
      { actor: 'x' },
    )
    await store.load()
    await store.changesSince(0)
    const circuits = kyselyCircuitStore(db, 'mssql')
    await circuits.save([
      { kind: 'set', circuit: { group: 'g', id: 'i', state: 'closed', opens: 0, since: new Date(0) } },
      { kind: 'forget', group: 'g', id: 'j' },
    ])
    await circuits.load()
    const nodes = kyselyNodeStore(db, 'mssql')
    await nodes.heartbeat({ id: 'n' })
    await nodes.live(1)
    await nodes.remove('n')
    expect(statements).toMatchSnapshot()
    expect(statements.join()).not.toMatch(/on conflict|on duplicate key|\blimit\b|\breturning\b|`/)
  })
})
