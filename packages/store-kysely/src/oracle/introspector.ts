import {
  type DatabaseIntrospector,
  type DatabaseMetadataOptions,
  type Kysely,
  type SchemaMetadata,
  sql,
  type TableMetadata,
} from 'kysely'

interface ColumnRow {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly nullable: string
}

/** Sees the tables of the user that is connected. */
export class OracleIntrospector implements DatabaseIntrospector {
  readonly #db: Kysely<unknown>

  constructor(db: Kysely<unknown>) {
    this.#db = db
  }

  async getSchemas(): Promise<SchemaMetadata[]> {
    const { rows } = await sql<{ name: string }>`select user as "name" from dual`.execute(this.#db)
    return rows.map(({ name }) => ({ name }))
  }

  async getTables(_options?: DatabaseMetadataOptions): Promise<TableMetadata[]> {
    const { rows } = await sql<ColumnRow>`
      select c.table_name as "table", c.column_name as "name", c.data_type as "type", c.nullable as "nullable"
      from user_tab_columns c join user_tables t on t.table_name = c.table_name
      order by c.table_name, c.column_id`.execute(this.#db)
    const byTable = Map.groupBy(rows, (row) => row.table)
    return [...byTable].map(([name, columns]) => ({
      name,
      isView: false,
      isForeign: false,
      columns: columns.map((column) => ({
        name: column.name,
        dataType: column.type,
        isNullable: column.nullable === 'Y',
        isAutoIncrementing: false,
        hasDefaultValue: false,
      })),
    }))
  }
}
