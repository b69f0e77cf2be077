import type { DatabaseIntrospector, Dialect, DialectAdapter, Driver, Kysely, QueryCompiler } from 'kysely'
import { OracleAdapter } from './adapter.js'
import { OracleQueryCompiler } from './compiler.js'
import { OracleDriver } from './driver.js'
import { OracleIntrospector } from './introspector.js'
import type { OracleDialectOptions } from './options.js'

export type { OracleDialectOptions } from './options.js'
export type { OracleClient, OracleExecuteOptions, OraclePool, OracleResult } from './pool.js'

/**
 * Oracle Database for Kysely, as much as the stores of this package need, on a pool of the package `oracledb`.
 * Why not the community's dialect: it knows no migration lock, no auto-commit outside transactions and no other isolation
 * level, and is bound to an older Kysely.
 */
export class OracleDialect implements Dialect {
  readonly #options: OracleDialectOptions

  constructor(options: OracleDialectOptions) {
    this.#options = { ...options }
  }

  createAdapter(): DialectAdapter {
    return new OracleAdapter()
  }

  createDriver(): Driver {
    return new OracleDriver(this.#options)
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new OracleIntrospector(db)
  }

  createQueryCompiler(): QueryCompiler {
    return new OracleQueryCompiler()
  }
}

/** What every new session must be told: names sort and compare byte by byte, whatever the country. */
export const ORACLE_SESSION: string = 'alter session set nls_sort = binary nls_comp = binary'
