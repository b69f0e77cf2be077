import type { Instance, RegistryOperation } from '@mcp-platform/core-registry'
import type { TemplateHead } from './registry-rows.js'

/** What a list of operations comes to in the end: each row is touched once. */
export interface NetChanges {
  /** Templates whose instances all go first, whether the template comes back or not. */
  readonly wiped: ReadonlySet<string>
  readonly deletedTemplates: ReadonlySet<string>
  readonly templates: ReadonlyMap<string, TemplateHead>
  readonly deletedInstances: readonly InstanceKey[]
  readonly instances: readonly Instance[]
}

/** Names one instance. */
export interface InstanceKey {
  readonly template: string
  readonly id: string
}

/** Adds up operations in their order. */
export function netChanges(operations: readonly RegistryOperation[]): NetChanges {
  const sum = new Sum()
  for (const operation of operations) sum.add(operation)
  return sum.changes()
}

class Sum {
  readonly #wiped = new Set<string>()
  readonly #deletedTemplates = new Set<string>()
  readonly #templates = new Map<string, TemplateHead>()
  /** By template, then id; undefined means deleted. */
  readonly #instances = new Map<string, Map<string, Instance | undefined>>()

  add(operation: RegistryOperation): void {
    if (operation.op === 'put-template') this.#putTemplate(operation.template)
    else if (operation.op === 'delete-template') this.#deleteTemplate(operation.name)
    else if (operation.op === 'put-instance')
      this.#of(operation.instance.template).set(operation.instance.id, operation.instance)
    else this.#of(operation.template).set(operation.id, undefined)
  }

  changes(): NetChanges {
    const all = [...this.#instances].flatMap(([template, byId]) =>
      [...byId].map(([id, instance]) => ({ template, id, instance })),
    )
    return {
      wiped: this.#wiped,
      deletedTemplates: this.#deletedTemplates,
      templates: this.#templates,
      deletedInstances: all.filter(({ instance }) => instance === undefined),
      instances: all.flatMap(({ instance }) => instance ?? []),
    }
  }

  #putTemplate(template: TemplateHead): void {
    this.#deletedTemplates.delete(template.name)
    this.#templates.set(template.name, template)
  }

  #deleteTemplate(name: string): void {
    this.#wiped.add(name)
    this.#deletedTemplates.add(name)
    this.#templates.delete(name)
    this.#instances.delete(name)
  }

  #of(template: string): Map<string, Instance | undefined> {
    const byId = this.#instances.get(template) ?? new Map<string, Instance | undefined>()
    this.#instances.set(template, byId)
    return byId
  }
}
