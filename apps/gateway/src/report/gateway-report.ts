import { type KeyCheck, type MasterKeyRing, OLD_KEY_READABLE_MS } from '@mcp-platform/auth'
import type {
  AuditReport,
  DatabaseReport,
  ExposureReport,
  GatewayReport,
  MasterKeyReport,
  NodeReport,
  SchemaReport,
} from '@mcp-platform/contract'
import { kyselyKeyCheckStore } from '@mcp-platform/store-kysely/auth'
import type { NodeRecord } from '@mcp-platform/store-kysely/gateway'
import { migrationStatus } from '@mcp-platform/store-kysely/migrations'
import type { EffectiveModes } from '../config/effective.js'
import type { Settings } from '../config/settings.js'
import { isDatabaseFailure } from '../database/failure.js'
import type { NodeDatabase } from '../database/node-database.js'
import { inTime } from './in-time.js'

/** For what the database is asked, in milliseconds: the report is wanted most when it is slow. */
const ASK_MS = 3_000

/** What {@link gatewayReport} looks at. */
export interface ReportedGateway {
  readonly version: string
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly database: Pick<NodeDatabase, 'nodeId' | 'stores' | 'watch' | 'membership'>
  readonly audit: { condition(): Promise<AuditReport> }
  readonly masterKeys: MasterKeyRing
  readonly notReady: () => string | undefined
}

/** Says how a running gateway is. Answers in bounded time, also while the database does not. */
export async function gatewayReport(gateway: ReportedGateway): Promise<GatewayReport> {
  const { version, settings, modes, database, audit, masterKeys, notReady } = gateway
  const { kysely, dialect } = database.stores
  const [schema, check, condition] = await Promise.all([
    asked(database, () => migrationStatus(kysely)),
    asked(database, () => kyselyKeyCheckStore(kysely, dialect).load()),
    audit.condition(),
  ])
  return {
    version,
    not_ready: notReady(),
    exposure: exposureReport(settings, modes),
    workers: settings.workers,
    database: databaseReport(database, schema),
    nodes: database.membership.live.map((node) => nodeReport(node, database.nodeId)),
    audit: condition,
    master_key: masterKeyReport(masterKeys, check),
  }
}

// What the database fails with is told by its watch.
async function asked<T>({ watch }: ReportedGateway['database'], question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await inTime(watch.read(question), ASK_MS)
  } catch (error) {
    if (!isDatabaseFailure(error)) throw error
    return undefined
  }
}

function exposureReport(settings: Settings, { auth, stdioMode }: EffectiveModes): ExposureReport {
  const { host, tlsCert, behindProxy } = settings
  return { host, auth, tls: tlsCert !== undefined, behind_proxy: behindProxy, stdio_mode: stdioMode }
}

function databaseReport({ watch, stores }: ReportedGateway['database'], schema?: SchemaReport): DatabaseReport {
  const { state } = watch
  const { dialect } = stores
  if (schema === undefined) return { state, dialect }
  const { pending, unknown, usable } = schema
  return { state, dialect, schema: { state: schema.state, usable, pending, unknown } }
}

function nodeReport({ id, details, startedAt, heartbeatAt }: NodeRecord, self: string): NodeReport {
  return {
    id,
    self: id === self,
    version: textOf(details['version']),
    url: textOf(details['url']),
    started_at: startedAt.toISOString(),
    last_seen: heartbeatAt.toISOString(),
  }
}

function masterKeyReport({ current, all }: MasterKeyRing, check: KeyCheck | undefined): MasterKeyReport {
  const own = { id: current.id, also_reads: all.slice(1).map(({ id }) => id), database_id: check?.current.id }
  const previous = check?.previous
  if (previous === undefined) return own
  const readUntil = new Date(previous.replacedAt.getTime() + OLD_KEY_READABLE_MS)
  const { id, replacedAt } = previous
  return { ...own, previous: { id, replaced_at: replacedAt.toISOString(), read_until: readUntil.toISOString() } }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
