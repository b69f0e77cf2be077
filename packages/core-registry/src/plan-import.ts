import { Draft } from './draft.js'
import { RegistryConflictError } from './errors.js'
import { nextFreeId } from './ids.js'
import type { RegistryState } from './model.js'
import type { Plan } from './plan.js'
import type { DeclaredTemplate, InstanceRef } from './reconciled.js'
import { mergeSettings } from './settings.js'
import { type InstanceSpec, matchesSpec, sameAttachment, toInstance } from './spec.js'

/** What an import changed, or with `dryRun` would change. It never removes. */
export interface Imported {
  readonly added: readonly InstanceRef[]
  readonly changed: readonly InstanceRef[]
  readonly unchanged: readonly InstanceRef[]
}

/** A validated document, and in whose name it is imported. */
export interface ImportFacts {
  readonly source: string
  readonly specs: readonly InstanceSpec[]
  readonly templates: readonly DeclaredTemplate[]
  readonly now: number
}

/** Decides an import: all or nothing. @throws RegistryConflictError for an id of another source, ValidationError (alias) */
export function planImport(state: RegistryState, facts: ImportFacts): Plan<Imported> {
  const draft = new Draft(state)
  const result = { added: [] as InstanceRef[], changed: [] as InstanceRef[], unchanged: [] as InstanceRef[] }
  for (const { name, settings } of facts.templates) importSettings(draft, name, settings)
  for (const spec of facts.specs) {
    const id = spec.id ?? anonymousId(draft, spec, facts)
    result[importOne(draft, spec, id, facts)].push({ template: spec.template, id })
  }
  draft.requireUniqueAliases()
  return { action: 'registry.import', operations: draft.operations, result }
}

function importSettings(draft: Draft, name: string, settings: DeclaredTemplate['settings']): void {
  const template = draft.template(name)
  const override = mergeSettings(template?.override ?? {}, settings)
  draft.putTemplate(name, { declared: template?.declared, override })
}

function importOne(draft: Draft, spec: InstanceSpec, id: string, { source, now }: ImportFacts): keyof Imported {
  const previous = draft.instance(spec.template, id)
  if (previous !== undefined && previous.source !== source) {
    const facts = { template: spec.template, instanceId: id, owner: previous.source }
    throw new RegistryConflictError({ ...facts, reason: 'other-source' })
  }
  if (previous !== undefined && matchesSpec(previous, spec)) return 'unchanged'
  draft.putInstance(toInstance(spec, { id, source, previous, now }))
  return previous === undefined ? 'added' : 'changed'
}

function anonymousId(draft: Draft, spec: InstanceSpec, facts: ImportFacts): string {
  const instances = draft.template(spec.template)?.instances ?? []
  const named = new Set(
    facts.specs.flatMap((other) => (other.template === spec.template && other.id ? [other.id] : [])),
  )
  const known = instances.find(
    (instance) => instance.source === facts.source && !named.has(instance.id) && sameAttachment(instance, spec),
  )
  if (known !== undefined) return known.id
  return nextFreeId(spec.template, (id) => named.has(id) || draft.instance(spec.template, id) !== undefined)
}
