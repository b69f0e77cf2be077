import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, sql } from 'kysely'
import { type DialectName, type DialectTraits, traitsOf } from './dialects.js'
import type { StoreTables } from './tables.js'

/** One numbered step forward. Each does one DDL statement, so that it can be run again where DDL has no transaction. */
export interface MigrationStep {
  /**
   * `001_what`; never changed once released. One whose name ends in `.breaking` takes away what older versions need: they
   * refuse to serve beside it (expand, deploy, contract).
   */
  readonly name: string
  /** The table that it makes, if it makes one. */
  readonly table?: TableKey | undefined
  up(db: Kysely<StoreTables>, dialect: DialectName): Promise<void>
}

/** A table and how its rows are told apart. */
export interface TableKey {
  readonly name: keyof StoreTables
  readonly primaryKey: readonly string[]
  /** Says something about processes that run now: no part of a backup. */
  readonly passing?: boolean | undefined
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
  passing(
    table('009_nodes', 'nodes', ['id'], { id: key(128), started_at: INSTANT, heartbeat_at: INSTANT, details: text }),
  ),
  passing(
    table('010_leases', 'leases', ['name'], {
      name: key(64),
      owner: key(128),
      generation: bigint,
      expires_at: INSTANT,
    }),
  ),
  table('011_users', 'users', ['name'], {
    name: key(64),
    role: key(16),
    grants: text,
    state: key(16),
    epoch: bigint,
    password_hash: nullable(key(512)),
    created_at: INSTANT,
    updated_at: INSTANT,
    v: bigint,
  }),
  table('012_api_keys', 'api_keys', ['id'], {
    id: key(64),
    name: text,
    owner: text,
    grants: text,
    secrets: text,
    created_at: INSTANT,
    expires_at: nullable(INSTANT),
    revoked_at: nullable(INSTANT),
    last_used_at: nullable(INSTANT),
    v: bigint,
  }),
  table('013_revoked_tokens', 'revoked_tokens', ['id'], { id: key(64), expires_at: INSTANT, v: bigint }),
  table('014_refresh_tokens', 'refresh_tokens', ['hash'], {
    hash: key(64),
    family: key(64),
    user_name: key(64),
    epoch: bigint,
    client: text,
    created_at: INSTANT,
    expires_at: INSTANT,
    used_at: nullable(INSTANT),
  }),
  table('015_signing_keys', 'signing_keys', ['kid'], {
    kid: key(64),
    alg: key(16),
    public_jwk: text,
    sealed_private: text,
    created_at: INSTANT,
    signs_from: INSTANT,
  }),
  table('016_key_checks', 'key_checks', ['id'], { id: bigint, current_id: key(16), details: text }),
  table('017_audit_links', 'audit_links', ['node', 'seq'], {
    node: key(128),
    seq: bigint,
    event_id: key(40),
    target: nullable(text),
    occurrences: bigint,
    key_id: key(16),
    mac: key(64),
  }),
  table('018_audit_chains', 'audit_chains', ['node'], {
    node: key(128),
    seq: bigint,
    mac: nullable(key(64)),
    signature: nullable(key(128)),
    begin_seq: nullable(bigint),
    begin_mac: nullable(key(64)),
    begin_signature: nullable(key(128)),
  }),
  addedColumn('019_instances_signature', 'instances', 'signature', nullable(key(128))),
  addedColumn('020_load_balancer_configs_signature', 'load_balancer_configs', 'signature', nullable(key(128))),
  table('021_idempotency_keys', 'idempotency_keys', ['id'], {
    id: key(64),
    fingerprint: key(128),
    owner: NAME,
    state: key(16),
    claimed_until: INSTANT,
    expires_at: INSTANT,
    result: nullable(text),
  }),
  // What retention deletes by, and what a lost or stolen refresh token is found by: these tables grow with use.
  index('022_idempotency_keys_expires_at', 'idempotency_keys', 'expires_at'),
  index('023_refresh_tokens_expires_at', 'refresh_tokens', 'expires_at'),
  index('024_refresh_tokens_family', 'refresh_tokens', 'family'),
  index('025_refresh_tokens_user_name', 'refresh_tokens', 'user_name'),
  index('026_revoked_tokens_expires_at', 'revoked_tokens', 'expires_at'),
  index('027_tombstones_deleted_at', 'tombstones', 'deleted_at'),
  index('028_audit_events_occurred_at', 'audit_events', 'occurred_at'),
  index('029_audit_links_event_id', 'audit_links', 'event_id'),
]

function table(name: string, tableName: keyof StoreTables, primaryKey: string[], columns: Columns): MigrationStep {
  return {
    name,
    table: { name: tableName, primaryKey },
    up: (db, dialect) => createTable(db, traitsOf(dialect), { tableName, primaryKey, columns }),
  }
}

/** One more column of a table, which takes null: older versions go on writing rows without it. */
function addedColumn(
  name: string,
  tableName: keyof StoreTables,
  columnName: string,
  typeOf: (traits: DialectTraits) => string,
): MigrationStep {
  return {
    name,
    async up(db, dialect) {
      if (await columnExists(db, tableName, columnName)) return
      const type = sql.raw(typeOf(traitsOf(dialect)).replace(/\?$/, ''))
      // The word `column` is unknown to Oracle and SQL Server, and may be left out elsewhere.
      await sql`alter table ${sql.table(tableName)} add ${sql.ref(columnName)} ${type}`.execute(db)
    },
  }
}

/** Finds rows by a column that is no key. Older versions need not know of it. */
function index(name: string, tableName: keyof StoreTables, columnName: string): MigrationStep {
  const indexName = `ix_${tableName}_${columnName}`
  return {
    name,
    async up(db, dialect) {
      const { createTable: how, findIndex } = traitsOf(dialect)
      if (findIndex !== undefined && (await findIndex(indexName).execute(db)).rows.length > 0) return
      const create = db.schema.createIndex(indexName).on(tableName).column(columnName)
      await (how === 'if-not-exists' && findIndex === undefined ? create.ifNotExists() : create).execute()
    },
  }
}

async function columnExists(db: Kysely<StoreTables>, tableName: string, columnName: string): Promise<boolean> {
  const tables = await db.introspection.getTables()
  const columns = tables.find(({ name }) => name === tableName)?.columns ?? []
  return columns.some(({ name }) => name === columnName)
}

function passing(step: MigrationStep): MigrationStep {
  return { ...step, table: step.table && { ...step.table, passing: true } }
}

interface TableShape {
  readonly tableName: string
  readonly primaryKey: string[]
  readonly columns: Columns
}

async function createTable(db: Kysely<StoreTables>, traits: DialectTraits, shape: TableShape): Promise<void> {
  if (traits.createTable === 'look-first' && (await tableExists(db, shape.tableName))) return
  const create = db.schema.createTable(shape.tableName)
  let builder: CreateTableBuilder<string, string> =
    traits.createTable === 'if-not-exists' ? create.ifNotExists() : create
  for (const [name, typeOf] of Object.entries(shape.columns))
    builder = builder.addColumn(name, ...column(typeOf(traits)))
  await builder.addPrimaryKeyConstraint(`pk_${shape.tableName}`, shape.primaryKey).execute()
}

async function tableExists(db: Kysely<StoreTables>, name: string): Promise<boolean> {
  const tables = await db.introspection.getTables()
  return tables.some((table) => table.name === name)
}

type ColumnShape = [ReturnType<typeof sql.raw>, (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder]

function column(type: string): ColumnShape {
  if (type.endsWith('?')) return [sql.raw(type.slice(0, -1)), (definition) => definition]
  return [sql.raw(type), (definition) => definition.notNull()]
}

async function addVersionRow(db: Kysely<StoreTables>): Promise<void> {
  const rows = await db.selectFrom('registry_version').select('id').execute()
  if (rows.length === 0) await db.insertInto('registry_version').values({ id: 1, v: 0, pruned: 0 }).execute()
}
