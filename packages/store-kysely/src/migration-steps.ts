import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, sql } from 'kysely'
import { type DialectName, type DialectTraits, traitsOf } from './dialects.js'
import type { StoreTables } from './tables.js'

/** One numbered step forward. Each does one DDL statement, so that it can be run again where DDL has no transaction. */
export interface MigrationStep {
  /** `001_what`; never changed once released. */
  readonly name: string
  up(db: Kysely<StoreTables>, dialect: DialectName): Promise<void>
}

type Columns = Readonly<Record<string, (traits: DialectTraits) => string>>

const key = (length: number) => (traits: DialectTraits) => traits.key(length)
const nullable = (type: (traits: DialectTraits) => string) => (traits: DialectTraits) => `${type(traits)}?`
const text = (traits: DialectTraits): string => traits.text
const bigint = (traits: DialectTraits): string => traits.bigint
const double = (traits: DialectTraits): string => traits.double

const TEMPLATE = key(32)
const INSTANCE = key(128)
const INSTANT = key(32)
const NAME = key(255)

/** All steps in their order. To change the schema add one; never edit one that was released. */
export const MIGRATION_STEPS: readonly MigrationStep[] = [
  table('001_registry_version', 'registry_version', ['id'], { id: bigint, v: bigint, pruned: bigint }),
  { name: '002_registry_version_row', up: addVersionRow },
  table('003_templates', 'templates', ['name'], { name: TEMPLATE, v: bigint }),
  table('004_load_balancer_configs', 'load_balancer_configs', ['template_name'], {
    template_name: TEMPLATE,
    settings: text,
    declared_source: nullable(text),
    declared_settings: nullable(text),
    override_settings: nullable(text),
  }),
  table('005_instances', 'instances', ['template_name', 'id'], {
    template_name: TEMPLATE,
    id: INSTANCE,
    source: text,
    state: key(16),
    weight: double,
    spec: text,
    secrets: nullable(text),
    v: bigint,
  }),
  table('006_tombstones', 'tombstones', ['kind', 'template_name', 'id'], {
    kind: key(16),
    template_name: TEMPLATE,
    id: INSTANCE,
    v: bigint,
    deleted_at: INSTANT,
  }),
  table('007_audit_events', 'audit_events', ['id'], {
    id: key(40),
    occurred_at: INSTANT,
    actor: text,
    action: key(64),
    outcome: key(16),
    request_id: nullable(text),
    address: nullable(key(64)),
    registry_v: nullable(bigint),
    details: text,
  }),
  table('008_circuit_states', 'circuit_states', ['group_name', 'target_id'], {
    group_name: key(191),
    target_id: NAME,
    generation: nullable(NAME),
    state: key(16),
    open_until: nullable(INSTANT),
    opens: bigint,
    since: INSTANT,
  }),
  table('009_nodes', 'nodes', ['id'], { id: key(128), started_at: INSTANT, heartbeat_at: INSTANT, details: text }),
]

function table(name: string, tableName: string, primaryKey: string[], columns: Columns): MigrationStep {
  return { name, up: (db, dialect) => createTable(db, traitsOf(dialect), { tableName, primaryKey, columns }) }
}

interface TableShape {
  readonly tableName: string
  readonly primaryKey: string[]
  readonly columns: Columns
}

async function createTable(db: Kysely<StoreTables>, traits: DialectTraits, shape: TableShape): Promise<void> {
  const create = db.schema.createTable(shape.tableName)
  let builder: CreateTableBuilder<string, string> = traits.ifNotExists ? create.ifNotExists() : create
  for (const [name, typeOf] of Object.entries(shape.columns))
    builder = builder.addColumn(name, ...column(typeOf(traits)))
  await builder.addPrimaryKeyConstraint(`pk_${shape.tableName}`, shape.primaryKey).execute()
}

type ColumnShape = [ReturnType<typeof sql.raw>, (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder]

function column(type: string): ColumnShape {
  if (type.endsWith('?')) return [sql.raw(type.slice(0, -1)), (definition) => definition]
  return [sql.raw(type), (definition) => definition.notNull()]
}

async function addVersionRow(db: Kysely<StoreTables>): Promise<void> {
  const rows = await sql`select id from registry_version`.execute(db)
  if (rows.rows.length === 0) await sql`insert into registry_version (id, v, pruned) values (1, 0, 0)`.execute(db)
}
