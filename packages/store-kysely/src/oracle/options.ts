import type { OraclePool } from './pool.js'

/** Options of the Oracle dialect. */
export interface OracleDialectOptions {
  /** Made on first use; closed by `Kysely.destroy()`. */
  readonly pool: OraclePool | (() => Promise<OraclePool>)
  /** `oracledb.OUT_FORMAT_OBJECT` */
  readonly outFormat: number
  /** Gives long texts (CLOB) as text. */
  readonly fetchTypeHandler?: ((column: unknown) => unknown) | undefined
}
