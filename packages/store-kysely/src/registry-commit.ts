import type { AuditChain } from '@mcp-platform/auth'
import type { ChangeContext, Instance, RegistryDiff } from '@mcp-platform/core-registry'
import type { Insertable, Transaction } from 'kysely'
import { auditEventOf } from './audit.js'
import { appendAudit, lockChain } from './auth/audit-append.js'
import { type DialectName, upsert } from './dialects.js'
import { StoreStaleError } from './errors.js'
import { type InstanceKey, type NetChanges, netChanges } from './net-changes.js'
import { instanceRow, type RowGuards, settingsRow } from './registry-rows.js'
import type { StoreTables, TombstonesTable } from './tables.js'
import { forgetTombstones, nextVersion } from './tombstones.js'

/** A template's tombstone has no id; some databases take an empty text for null, and no id is a star. */
export const TEMPLATE_TOMBSTONE = '*'
// SQL Server takes 2,100 parameters and an instance has 9 columns.
const CHUNK = 100

/** What a commit needs besides the change. */
export interface CommitFacts {
  readonly dialect: DialectName
  readonly guards: RowGuards
  /** Of this node; absent: the record is written without a chain. */
  readonly chain: AuditChain | undefined
  readonly now: number
  readonly tombstoneTtlMs: number
}

/**
 * Writes one change: the version first (its row lock makes commit order equal number order; only the lock of the node's audit
 * chain comes before), then the rows stamped with it, then the audit record.
 * @throws StoreStaleError when the change was decided on another version
 */
export async function commitDiff(
  trx: Transaction<StoreTables>,
  diff: RegistryDiff,
  by: ChangeContext,
  facts: CommitFacts,
): Promise<number> {
  if (facts.chain !== undefined) await lockChain(trx, facts.chain.node)
  const version = await nextVersion(trx)
  if (diff.expectedVersion !== undefined && diff.expectedVersion !== version - 1) {
    throw new StoreStaleError(diff.expectedVersion, version - 1)
  }
  await new Commit(trx, version, facts).write(netChanges(diff.operations))
  const { dialect, chain } = facts
  const event = auditEventOf(diff, by, facts.now)
  await appendAudit(trx, [event], { dialect, chain, registryVersion: version })
  return version
}

class Commit {
  readonly #trx: Transaction<StoreTables>
  readonly #version: number
  readonly #facts: CommitFacts

  constructor(trx: Transaction<StoreTables>, version: number, facts: CommitFacts) {
    this.#trx = trx
    this.#version = version
    this.#facts = facts
  }

  async write(changes: NetChanges): Promise<void> {
    await this.#delete(changes)
    await this.#putTemplates(changes)
    for (const part of chunks(changes.instances)) await this.#putInstances(part)
    await forgetTombstones(this.#trx, new Date(this.#facts.now - this.#facts.tombstoneTtlMs))
  }

  async #delete({ wiped, deletedTemplates, deletedInstances }: NetChanges): Promise<void> {
    const gone = [...deletedInstances, ...(await this.#instancesOf([...wiped]))]
    for (const [template, ids] of byTemplate(gone)) await this.#deleteInstances(template, ids)
    for (const names of chunks([...deletedTemplates])) {
      await this.#trx.deleteFrom('load_balancer_configs').where('template_name', 'in', names).execute()
      await this.#trx.deleteFrom('templates').where('name', 'in', names).execute()
    }
    const tombstones = [
      ...gone.map(({ template, id }) => this.#tombstone('instance', template, id)),
      ...[...deletedTemplates].map((name) => this.#tombstone('template', name, TEMPLATE_TOMBSTONE)),
    ]
    for (const rows of chunks(unique(tombstones))) await this.#upsertTombstones(rows)
  }

  async #instancesOf(templates: readonly string[]): Promise<InstanceKey[]> {
    const found: InstanceKey[] = []
    for (const names of chunks(templates)) {
      const instances = this.#trx.selectFrom('instances').select(['template_name as template', 'id'])
      found.push(...(await instances.where('template_name', 'in', names).execute()))
    }
    return found
  }

  async #deleteInstances(template: string, ids: readonly string[]): Promise<void> {
    for (const part of chunks(ids)) {
      await this.#trx.deleteFrom('instances').where('template_name', '=', template).where('id', 'in', part).execute()
    }
  }

  async #putTemplates({ templates }: NetChanges): Promise<void> {
    for (const part of chunks([...templates.values()])) {
      const names = part.map((template) => template.name)
      await this.#trx
        .deleteFrom('tombstones')
        .where('kind', '=', 'template')
        .where('template_name', 'in', names)
        .execute()
      const rows = names.map((name) => ({ name, v: this.#version }))
      await upsert(this.#trx, this.#facts.dialect, { table: 'templates', keys: ['name'], rows })
      const configs = part.map((template) => settingsRow(template, this.#facts.guards))
      const settings = { table: 'load_balancer_configs', keys: ['template_name'], rows: configs } as const
      await upsert(this.#trx, this.#facts.dialect, settings)
    }
  }

  async #putInstances(instances: readonly Instance[]): Promise<void> {
    for (const [template, ids] of byTemplate(instances)) {
      await this.#trx
        .deleteFrom('tombstones')
        .where('kind', '=', 'instance')
        .where('template_name', '=', template)
        .where('id', 'in', ids)
        .execute()
    }
    const rows = instances.map((instance) => instanceRow(instance, this.#version, this.#facts.guards))
    await upsert(this.#trx, this.#facts.dialect, { table: 'instances', keys: ['template_name', 'id'], rows })
  }

  #upsertTombstones(rows: readonly Insertable<TombstonesTable>[]): Promise<void> {
    const keys = ['kind', 'template_name', 'id'] as const
    return upsert(this.#trx, this.#facts.dialect, { table: 'tombstones', keys, rows })
  }

  #tombstone(kind: TombstonesTable['kind'], template: string, id: string): Insertable<TombstonesTable> {
    const deletedAt = new Date(this.#facts.now).toISOString()
    return { kind, template_name: template, id, v: this.#version, deleted_at: deletedAt }
  }
}

function unique(rows: readonly Insertable<TombstonesTable>[]): Insertable<TombstonesTable>[] {
  return [...new Map(rows.map((row) => [JSON.stringify([row.kind, row.template_name, row.id]), row])).values()]
}

function byTemplate(keys: readonly InstanceKey[]): Map<string, string[]> {
  const ids = new Map<string, string[]>()
  for (const { template, id } of keys) {
    const known = ids.get(template)
    if (known === undefined) ids.set(template, [id])
    else known.push(id)
  }
  return ids
}

function* chunks<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK)
}
