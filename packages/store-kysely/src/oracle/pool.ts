/** What the dialect needs of a pool of the package `oracledb`. */
export interface OraclePool {
  getConnection(): Promise<OracleClient>
  close(drainSeconds?: number): Promise<void>
}

/** What the dialect needs of a connection of the package `oracledb`. */
export interface OracleClient {
  execute(sql: string, binds: readonly unknown[], options: OracleExecuteOptions): Promise<OracleResult>
  commit(): Promise<void>
  rollback(): Promise<void>
  close(options?: { readonly drop: boolean }): Promise<void>
}

/** How a statement is run. */
export interface OracleExecuteOptions {
  /** Rows as objects: `oracledb.OUT_FORMAT_OBJECT`. */
  readonly outFormat: number
  /** Outside a transaction each statement is one of its own, as in every other database. */
  readonly autoCommit: boolean
  /** Long texts as text and not as streams. */
  readonly fetchTypeHandler?: ((column: unknown) => unknown) | undefined
}

/** What a statement answers. */
export interface OracleResult {
  readonly rows?: readonly unknown[] | undefined
  readonly rowsAffected?: number | undefined
}
