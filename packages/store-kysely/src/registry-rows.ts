import type { AdminState, Attach, Instance, Template } from '@mcp-platform/core-registry'
import type { Insertable, Selectable } from 'kysely'
import { StoreCorruptError, StoreError } from './errors.js'
import { openSecrets, type Seal, sealSecrets } from './seal.js'
import type { InstancesTable, LoadBalancerConfigsTable } from './tables.js'

/** A template without its instances. */
export type TemplateHead = Omit<Template, 'instances'>

/** A template joined with its settings; an outer join, so that they may be missing. */
export type TemplateRow = { readonly name: string } & {
  readonly [K in Exclude<keyof LoadBalancerConfigsTable, 'template_name'>]: string | null
}

/** What of an instance has no column of its own. */
type StoredSpec = Omit<Instance, 'template' | 'id' | 'source' | 'state' | 'weight'>

/** The row of an instance; secrets go into a column of their own. */
export function instanceRow(instance: Instance, v: number, seal: Seal | undefined): Insertable<InstancesTable> {
  const { template, id, source, state, weight, ...rest } = instance
  const spec: StoredSpec = { ...rest, attach: withSecrets(instance.attach, {}) }
  return {
    template_name: template,
    id,
    source,
    state,
    weight,
    spec: JSON.stringify(spec),
    secrets: sealSecrets(instance.attach, rowName(template, id), seal),
    v,
  }
}

/** The instance of a row. @throws StoreCorruptError, StoreSealedError */
export function toInstance(row: Selectable<InstancesTable>, seal: Seal | undefined): Instance {
  const name = rowName(row.template_name, row.id)
  return readRow(name, () => {
    const spec = JSON.parse(row.spec) as StoredSpec
    return {
      ...spec,
      template: row.template_name,
      id: row.id,
      source: row.source,
      state: row.state as AdminState,
      weight: Number(row.weight),
      attach: withSecrets(spec.attach, openSecrets(row.secrets, name, seal)),
    }
  })
}

/** The row of a template's settings. */
export function settingsRow(template: TemplateHead): Insertable<LoadBalancerConfigsTable> {
  const { name, settings, declared, override } = template
  return {
    template_name: name,
    settings: JSON.stringify(settings),
    declared_source: declared?.source ?? null,
    declared_settings: declared === undefined ? null : JSON.stringify(declared.settings),
    override_settings: override === undefined ? null : JSON.stringify(override),
  }
}

/** The template of a row. @throws StoreCorruptError */
export function toTemplate(row: TemplateRow): TemplateHead {
  return readRow(`templates/${row.name}`, () => {
    const { declared_source: source, declared_settings: declared, override_settings: override } = row
    return {
      name: row.name,
      settings: row.settings === null ? {} : JSON.parse(row.settings),
      ...(source === null || declared === null ? {} : { declared: { source, settings: JSON.parse(declared) } }),
      ...(override === null ? {} : { override: JSON.parse(override) }),
    }
  })
}

/** Names a row in messages, and binds its sealed secrets to it. */
function rowName(template: string, id: string): string {
  return `instances/${template}/${id}/secrets`
}

function withSecrets(attach: Attach, secrets: Record<string, string>): Attach {
  return attach.kind === 'http' ? { ...attach, headers: secrets } : { ...attach, env: secrets }
}

function readRow<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreCorruptError(name, { cause: error })
  }
}
