import { Draft } from './draft.js'
import { type ConflictReason, InstanceNotFoundError, RegistryConflictError, TemplateNotFoundError } from './errors.js'
import type { RegistryEvent } from './events.js'
import { nextFreeId } from './ids.js'
import type { AdminState, Instance, RegistryState, Template } from './model.js'
import type { InstancePatch, Registration } from './registration.js'
import { applyPatch, mergeSettings, type SettingsPatch, sameSettings } from './settings.js'
import { type InstanceSpec, matchesSpec, toInstance, withOverride } from './spec.js'
import type { RegistryOperation } from './store.js'

/** What a change would do. No operations: nothing to do. */
export interface Plan<R> {
  /** Stable verb for the audit record. */
  readonly action: string
  readonly operations: readonly RegistryOperation[]
  readonly result: R
  /** To be emitted once the change is committed. */
  readonly events?: readonly RegistryEvent[] | undefined
}

/** What became of a registration. */
export interface Registered {
  readonly status: 'created' | 'unchanged' | 'replaced'
  readonly template: Template
  readonly instance: Instance
}

/** Who registers, and whether it may replace what the same source registered before. */
export interface RegisterFacts {
  readonly source: string
  readonly replace: boolean
  readonly now: number
}

/** Decides a registration. @throws RegistryConflictError, ValidationError (alias) */
export function planRegister(state: RegistryState, wanted: Registration, facts: RegisterFacts): Plan<Registered> {
  const draft = new Draft(state)
  const { template } = wanted.spec
  const id = wanted.spec.id ?? idFor(draft, wanted.spec, facts.source)
  const previous = draft.instance(template, id)
  const override = settingsAfter(draft.template(template), wanted)
  const same = previous !== undefined && matchesSpec(previous, wanted.spec)
  if (previous !== undefined) refuseConflict(previous, same && override === undefined, facts)
  if (override !== undefined) draft.putTemplate(template, override)
  if (!same) draft.putInstance(toInstance(wanted.spec, { id, source: facts.source, previous, now: facts.now }))
  draft.requireUniqueAliases()
  const status = previous === undefined ? 'created' : draft.operations.length === 0 ? 'unchanged' : 'replaced'
  return {
    action: status === 'replaced' ? 'instance.replace' : 'instance.register',
    operations: draft.operations,
    result: {
      status,
      template: requireTemplate(draft.state, template),
      instance: requireInstance(draft.state, template, id),
    },
  }
}

/** Decides a removal. @throws TemplateNotFoundError, InstanceNotFoundError */
export function planDeregister(state: RegistryState, template: string, id: string): Plan<Instance> {
  const instance = requireInstance(state, template, id)
  const draft = new Draft(state)
  draft.deleteInstance(template, id)
  draft.prune([template])
  return { action: 'instance.deregister', operations: draft.operations, result: instance }
}

/** Decides a PATCH of a template. @throws TemplateNotFoundError, ValidationError (alias) */
export function planUpdateTemplate(state: RegistryState, name: string, patch: SettingsPatch): Plan<Template> {
  const template = requireTemplate(state, name)
  const draft = new Draft(state)
  draft.putTemplate(name, { declared: template.declared, override: applyPatch(template.override ?? {}, patch) })
  draft.requireUniqueAliases()
  const result = requireTemplate(draft.state, name)
  draft.prune([name])
  return { action: 'template.update', operations: draft.operations, result }
}

/** Decides a PATCH of an instance. @throws TemplateNotFoundError, InstanceNotFoundError */
export function planUpdateInstance(
  state: RegistryState,
  template: string,
  id: string,
  patch: InstancePatch,
): Plan<Instance> {
  const before = requireInstance(state, template, id)
  const base = patch.reset === true ? {} : before.override
  const override: { weight?: number | undefined; state?: AdminState | undefined } = { ...base }
  if (patch.weight !== undefined) override.weight = patch.weight ?? undefined
  if (patch.state !== undefined) override.state = patch.state ?? undefined
  if (override.weight === before.override.weight && override.state === before.override.state) {
    return { action: 'instance.update', operations: [], result: before }
  }
  const instance = withOverride(before, override)
  return { action: 'instance.update', operations: [{ op: 'put-instance', instance }], result: instance }
}

/** Decides to remember the URL that answered. @throws TemplateNotFoundError, InstanceNotFoundError */
export function planResolveUrl(state: RegistryState, template: string, id: string, url: string): Plan<Instance> {
  const before = requireInstance(state, template, id)
  if (before.resolvedUrl === url) return { action: 'instance.resolve', operations: [], result: before }
  const instance = { ...before, resolvedUrl: url }
  return { action: 'instance.resolve', operations: [{ op: 'put-instance', instance }], result: instance }
}

/** The template of that name. @throws TemplateNotFoundError */
export function requireTemplate(state: RegistryState, name: string): Template {
  const template = state.templates.get(name)
  if (template === undefined) throw new TemplateNotFoundError(name)
  return template
}

/** The instance of that id. @throws TemplateNotFoundError, InstanceNotFoundError */
export function requireInstance(state: RegistryState, template: string, id: string): Instance {
  const instance = requireTemplate(state, template).instances.find((candidate) => candidate.id === id)
  if (instance === undefined) throw new InstanceNotFoundError(template, id)
  return instance
}

/**
 * The id of a registration that names none. The same URL twice is the same instance, as a repeated command means it;
 * two equal commands are two children.
 */
function idFor(draft: Draft, spec: InstanceSpec, source: string): string {
  const twin = draft
    .template(spec.template)
    ?.instances.find(
      (instance) => instance.attach.kind === 'http' && instance.source === source && matchesSpec(instance, spec),
    )
  return twin?.id ?? nextFreeId(spec.template, (id) => draft.instance(spec.template, id) !== undefined)
}

/** What the template's parts become, or undefined when the registration says nothing new about it. */
function settingsAfter(
  template: Template | undefined,
  wanted: Registration,
): Pick<Template, 'declared' | 'override'> | undefined {
  const settings = mergeSettings(template?.settings ?? {}, wanted.settings)
  if (sameSettings(settings, template?.settings)) return undefined
  return { declared: template?.declared, override: mergeSettings(template?.override ?? {}, wanted.settings) }
}

function refuseConflict(previous: Instance, unchanged: boolean, facts: RegisterFacts): void {
  const reason = conflictReason(previous, unchanged, facts)
  if (reason === undefined) return
  throw new RegistryConflictError({
    template: previous.template,
    instanceId: previous.id,
    owner: previous.source,
    reason,
  })
}

function conflictReason(previous: Instance, unchanged: boolean, facts: RegisterFacts): ConflictReason | undefined {
  if (previous.source !== facts.source) return 'other-source'
  return unchanged || facts.replace ? undefined : 'different-spec'
}
