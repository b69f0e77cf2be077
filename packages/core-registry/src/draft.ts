import { ValidationError } from './errors.js'
import type { DeclaredSettings, Instance, PartialTemplateSettings, RegistryState, Template } from './model.js'
import { isEmptySettings, mergeSettings, sameSettings } from './settings.js'
import { applyOperations, type TemplateHead } from './state.js'
import type { RegistryOperation } from './store.js'

/** What an operator or a file has said about a template. */
export interface TemplateParts {
  readonly declared?: DeclaredSettings | undefined
  readonly override?: PartialTemplateSettings | undefined
}

/**
 * A change being decided: collects operations and shows the state as it would be after them.
 * Pure: nothing happens until the operations are committed.
 */
export class Draft {
  readonly operations: RegistryOperation[] = []
  #state: RegistryState

  constructor(state: RegistryState) {
    this.#state = state
  }

  get state(): RegistryState {
    return this.#state
  }

  template(name: string): Template | undefined {
    return this.#state.templates.get(name)
  }

  instance(template: string, id: string): Instance | undefined {
    return this.template(template)?.instances.find((instance) => instance.id === id)
  }

  putInstance(instance: Instance): void {
    if (this.template(instance.template) === undefined) this.putTemplate(instance.template, {})
    this.#add({ op: 'put-instance', instance })
  }

  deleteInstance(template: string, id: string): void {
    this.#add({ op: 'delete-instance', template, id })
  }

  /** Sets what is said about a template, creating it when needed; without a difference there is no operation. */
  putTemplate(name: string, parts: TemplateParts): void {
    const current = this.template(name)
    if (current !== undefined && sameParts(current, parts)) return
    this.#add({ op: 'put-template', template: templateHead(name, parts) })
  }

  #add(operation: RegistryOperation): void {
    this.operations.push(operation)
    this.#state = applyOperations(this.#state, [operation], this.#state.version)
  }

  /** Removes those that are left with nothing: a template stays while it has instances, an override, or a file that names it. */
  prune(names: Iterable<string>): void {
    for (const name of new Set(names)) this.#pruneOne(name)
  }

  #pruneOne(name: string): void {
    const template = this.template(name)
    if (template === undefined || template.instances.length > 0) return
    if (template.declared === undefined && isEmptySettings(template.override))
      this.#add({ op: 'delete-template', name })
  }

  /** @throws ValidationError when two templates could not be told apart in the aggregate any more */
  requireUniqueAliases(): void {
    const clash = aliasClash(this.#state)
    if (clash !== undefined) throw new ValidationError([{ path: 'alias', message: clash }])
  }
}

/** Says which two templates share a name in the aggregate; undefined when none do. */
export function aliasClash(state: RegistryState): string | undefined {
  for (const { name, settings } of state.templates.values()) {
    const other = settings.alias === undefined ? undefined : sharesName(state, name, settings.alias)
    if (other !== undefined) return `the alias ${settings.alias} of template ${name} is taken by template ${other}`
  }
  return undefined
}

function sharesName(state: RegistryState, name: string, alias: string): string | undefined {
  for (const other of state.templates.values()) {
    if (other.name !== name && (other.name === alias || other.settings.alias === alias)) return other.name
  }
  return undefined
}

/** The row of a template with its settings worked out: the override over what a file declares. */
function templateHead(name: string, { declared, override }: TemplateParts): TemplateHead {
  return {
    name,
    settings: mergeSettings(declared?.settings ?? {}, override ?? {}),
    ...(declared === undefined ? {} : { declared }),
    ...(isEmptySettings(override) ? {} : { override }),
  }
}

function sameParts(template: Template, { declared, override }: TemplateParts): boolean {
  return (
    template.declared?.source === declared?.source &&
    sameSettings(template.declared?.settings, declared?.settings) &&
    sameSettings(template.override, override)
  )
}
