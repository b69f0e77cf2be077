import type { Instance, RegistryChanges, RegistryOperation, RegistryState, Template } from '@mcp-platform/core-registry'
import type { Database } from './dialects.js'
import { TEMPLATE_TOMBSTONE } from './registry-commit.js'
import { type RowGuards, type TemplateHead, toInstance, toTemplate } from './registry-rows.js'

interface Everything {
  readonly version: number
  readonly templates: readonly TemplateHead[]
  readonly instances: readonly Instance[]
}

/** The version of the registry, and up to which version deletions may have been forgotten. */
export async function readVersion(db: Database): Promise<{ version: number; pruned: number }> {
  const row = await db.selectFrom('registry_version').select(['v', 'pruned']).where('id', '=', 1).executeTakeFirst()
  return { version: Number(row?.v ?? 0), pruned: Number(row?.pruned ?? 0) }
}

/** The whole registry. Call it in a transaction in which all reads see one moment. */
export async function readState(db: Database, guards: RowGuards): Promise<RegistryState> {
  const { version, templates, instances } = await readEverything(db, guards)
  const byName = new Map<string, Template>(templates.map((template) => [template.name, { ...template, instances: [] }]))
  const grouped = Map.groupBy(instances, (instance) => instance.template)
  for (const [name, members] of grouped) {
    byName.set(name, { ...(byName.get(name) ?? { name, settings: {} }), instances: members })
  }
  return { version, templates: byName }
}

/** What became different after `since`. Call it in a transaction in which all reads see one moment. */
export async function readChanges(db: Database, since: number, guards: RowGuards): Promise<RegistryChanges> {
  const { version, pruned } = await readVersion(db)
  if (since === version) return { version, full: false, operations: [] }
  if (since > version || since < pruned) return readAsChanges(db, guards)
  const templates = await readTemplates(db, since, guards)
  const instances = await readInstances(db, since, guards)
  const deleted = await readDeletions(db, since)
  return { version, full: false, operations: [...deleted, ...puts(templates, instances)] }
}

async function readAsChanges(db: Database, guards: RowGuards): Promise<RegistryChanges> {
  const { version, templates, instances } = await readEverything(db, guards)
  return { version, full: true, operations: puts(templates, instances) }
}

async function readEverything(db: Database, guards: RowGuards): Promise<Everything> {
  const { version } = await readVersion(db)
  return { version, templates: await readTemplates(db, -1, guards), instances: await readInstances(db, -1, guards) }
}

function puts(templates: readonly TemplateHead[], instances: readonly Instance[]): RegistryOperation[] {
  return [
    ...templates.map((template): RegistryOperation => ({ op: 'put-template', template })),
    ...instances.map((instance): RegistryOperation => ({ op: 'put-instance', instance })),
  ]
}

async function readTemplates(db: Database, since: number, guards: RowGuards): Promise<TemplateHead[]> {
  const rows = await db
    .selectFrom('templates')
    .leftJoin('load_balancer_configs', 'load_balancer_configs.template_name', 'templates.name')
    .select(['templates.name', 'settings', 'declared_source', 'declared_settings', 'override_settings', 'signature'])
    .where('templates.v', '>', since)
    .orderBy('templates.name')
    .execute()
  return rows.map((row) => toTemplate(row, guards))
}

async function readInstances(db: Database, since: number, guards: RowGuards): Promise<Instance[]> {
  const rows = await db
    .selectFrom('instances')
    .selectAll()
    .where('v', '>', since)
    .orderBy('template_name')
    .orderBy('id')
    .execute()
  return rows.map((row) => toInstance(row, guards))
}

/** Instances before templates: a template that is gone needs no further word, one that came back loses the old ones. */
async function readDeletions(db: Database, since: number): Promise<RegistryOperation[]> {
  const rows = await db
    .selectFrom('tombstones')
    .select(['kind', 'template_name', 'id'])
    .where('v', '>', since)
    .orderBy('template_name')
    .orderBy('id')
    .execute()
  const gone = new Set(rows.filter((row) => row.id === TEMPLATE_TOMBSTONE).map((row) => row.template_name))
  const instances = rows.filter((row) => row.kind === 'instance' && !gone.has(row.template_name))
  return [
    ...instances.map(({ template_name: template, id }): RegistryOperation => ({ op: 'delete-instance', template, id })),
    ...[...gone].map((name): RegistryOperation => ({ op: 'delete-template', name })),
  ]
}
