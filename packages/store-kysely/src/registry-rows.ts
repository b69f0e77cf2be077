import type { AdminState, Instance, PartialTemplateSettings, Template } from '@mcp-platform/core-registry'
import type { Insertable, Selectable } from 'kysely'
import { StoreCorruptError, StoreError } from './errors.js'
import { instanceText, type RowSigner, runsCommand, settingsText, signatureFault } from './row-signature.js'
import { type Seal, sealSecrets, withoutSecrets, withSecrets } from './seal.js'
import type { InstancesTable, LoadBalancerConfigsTable } from './tables.js'

/** A template without its instances. */
export type TemplateHead = Omit<Template, 'instances'>

/** A template joined with its settings; an outer join, so that they may be missing. */
export type TemplateRow = { readonly name: string } & {
  readonly [K in Exclude<keyof LoadBalancerConfigsTable, 'template_name'>]: string | null
}

/** What of an instance has no column of its own. */
type StoredSpec = Omit<Instance, 'template' | 'id' | 'source' | 'state' | 'weight' | 'untrusted'>

/** What protects rows: their secrets, and what they say. */
export interface RowGuards {
  readonly seal?: Seal | undefined
  readonly signer?: RowSigner | undefined
}

// Older than every generation, so that whatever runs for the trusted row is ended.
const UNTRUSTED_GENERATION = 0

/** The row of an instance; secrets go into a column of their own. One that is not trusted stays so. */
export function instanceRow(instance: Instance, v: number, { seal, signer }: RowGuards): Insertable<InstancesTable> {
  const { template, id, source, state, weight, untrusted, ...rest } = instance
  const spec: StoredSpec = { ...rest, attach: withoutSecrets(instance.attach) }
  const row = {
    template_name: template,
    id,
    source,
    state,
    spec: JSON.stringify(spec),
    secrets: sealSecrets(instance.attach, secretsName(template, id), seal),
  }
  const isSigned = signer !== undefined && untrusted === undefined
  return { ...row, weight, v, signature: isSigned ? signer.sign(instanceText(row)) : null }
}

/** The instance of a row. @throws StoreCorruptError, StoreSealedError */
export function toInstance(row: Selectable<InstancesTable>, { seal, signer }: RowGuards): Instance {
  const name = secretsName(row.template_name, row.id)
  return readRow(name, () => {
    const spec = JSON.parse(row.spec) as StoredSpec
    const instance = {
      ...spec,
      template: row.template_name,
      id: row.id,
      source: row.source,
      state: row.state as AdminState,
      weight: Number(row.weight),
    }
    const untrusted = needsTrust(spec, row) ? signatureFault(instanceText(row), row.signature, signer) : undefined
    if (untrusted === undefined) return { ...instance, attach: withSecrets(spec.attach, row.secrets, name, seal) }
    return { ...instance, attach: withoutSecrets(spec.attach), generation: UNTRUSTED_GENERATION, untrusted }
  })
}

/** The row of a template's settings. */
export function settingsRow(template: TemplateHead, { signer }: RowGuards): Insertable<LoadBalancerConfigsTable> {
  const { name, settings, declared, override } = template
  const row = {
    template_name: name,
    settings: JSON.stringify(settings),
    declared_source: declared?.source ?? null,
    declared_settings: declared === undefined ? null : JSON.stringify(declared.settings),
    override_settings: override === undefined ? null : JSON.stringify(override),
  }
  return { ...row, signature: signer?.sign(settingsText(row)) ?? null }
}

/** The template of a row; a command that its signature does not cover is left out. @throws StoreCorruptError */
export function toTemplate(row: TemplateRow, { signer }: RowGuards): TemplateHead {
  return readRow(`templates/${row.name}`, () => {
    const head = headOf(row)
    const parts = [head.settings, head.declared?.settings ?? {}, head.override ?? {}]
    const text = settingsText({ ...row, template_name: row.name, settings: row.settings ?? '{}' })
    const untrusted = parts.some(runsCommand) ? signatureFault(text, row.signature, signer) : undefined
    return untrusted === undefined ? head : { ...withoutCommands(head), untrusted }
  })
}

function headOf(row: TemplateRow): TemplateHead {
  const { declared_source: source, declared_settings: declared, override_settings: override } = row
  return {
    name: row.name,
    settings: row.settings === null ? {} : JSON.parse(row.settings),
    ...(source === null || declared === null ? {} : { declared: { source, settings: JSON.parse(declared) } }),
    ...(override === null ? {} : { override: JSON.parse(override) }),
  }
}

function withoutCommands(head: TemplateHead): TemplateHead {
  const { settings, declared, override } = head
  return {
    ...head,
    settings: withoutCommand(settings),
    ...(declared === undefined ? {} : { declared: { ...declared, settings: withoutCommand(declared.settings) } }),
    ...(override === undefined ? {} : { override: withoutCommand(override) }),
  }
}

function withoutCommand(settings: PartialTemplateSettings): PartialTemplateSettings {
  if (!runsCommand(settings)) return settings
  const { healthCheck: _, ...rest } = settings
  return rest
}

/** It starts a program, or holds credentials that only the server it names shall get. */
function needsTrust({ attach }: StoredSpec, row: Selectable<InstancesTable>): boolean {
  return attach.kind !== 'http' || row.secrets !== null
}

/** Names a row in messages, and binds its sealed secrets to it. */
export function secretsName(template: string, id: string): string {
  return `instances/${template}/${id}/secrets`
}

function readRow<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreCorruptError(name, { cause: error })
  }
}
