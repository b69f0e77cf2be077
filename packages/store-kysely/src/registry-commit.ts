import type { ChangeContext, Instance, RegistryDiff } from '@mcp-platform/core-registry'
import { type Insertable, sql, type Transaction } from 'kysely'
import { auditRow } from './audit.js'
import { type DialectName, upsert } from './dialects.js'
import { StoreStaleError } from './errors.js'
import { type InstanceKey, type NetChanges, netChanges } from './net-changes.js'
import { instanceRow, settingsRow } from './registry-rows.js'
import type { Seal } from './seal.js'
import type { StoreTables, TombstonesTable } from './tables.js'
import { forgetTombstones } from './tombstones.js'

/** A template's tombstone has no id; some databases take an empty text for null, and no id is a star. */
export const TEMPLATE_TOMBSTONE = '*'
// SQL Server takes 2,100 parameters and an instance has 8 columns.
const CHUNK = 100

/** What a commit needs besides the change. */
export interface CommitFacts {
  readonly dialect: DialectName
  readonly seal: Seal | undefined
  readonly now: number
  readonly tombstoneTtlMs: number
}

/**
 * Writes one change: the version first (its row lock makes commit order equal number order), then the rows stamped with it,
 * then the audit record.
 * @throws StoreStaleError when the change was decided on another version
 */
export async function commitDiff(
  trx: Transaction<StoreTables>,
  diff: RegistryDiff,
  by: ChangeContext,
  facts: CommitFacts,
): Promise<number> {
  const version = await nextVersion(trx)
  if (diff.expectedVersion !== undefined && diff.expectedVersion !== version - 1) {
    throw new StoreStaleError(diff.expectedVersion, version - 1)
  }
  await new Commit(trx, version, facts).write(netChanges(diff.operations))
  await trx
    .insertInto('audit_events')
    .values(auditRow(diff, by, { version, now: facts.now }))
    .execute()
  return version
}

async function nextVersion(trx: Transaction<StoreTables>): Promise<number> {
  await trx
    .updateTable('registry_version')
    .set({ v: sql<number>`${sql.ref('v')} + 1` })
    .where('id', '=', 1)
    .execute()
  const row = await trx.selectFrom('registry_version').select('v').where('id', '=', 1).executeTakeFirstOrThrow()
  return Number(row.v)
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
      const settings = { table: 'load_balancer_configs', keys: ['template_name'], rows: part.map(settingsRow) } as const
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
    const rows = instances.map((instance) => instanceRow(instance, this.#version, this.#facts.seal))
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
