import { deepFreeze } from './json.js'
import type { Instance, RegistryState, Template } from './model.js'
import { compareNames } from './names.js'
import type { RegistryChanges, RegistryOperation } from './store.js'

/** A registry with nothing in it, before anything was loaded. */
export const EMPTY_STATE: RegistryState = { version: 0, templates: new Map() }

/** What a template is without its instances: the shape that stores keep in one row. */
export type TemplateHead = Omit<Template, 'instances'>

/**
 * The state after these operations. The one given stays as it is; templates that are not touched are shared.
 * Templates and instances come out in one stable order on every node. An instance whose template is missing creates it.
 */
export function applyOperations(
  state: RegistryState,
  operations: readonly RegistryOperation[],
  version: number,
): RegistryState {
  const templates = new Map(state.templates)
  for (const operation of operations) applyOne(templates, operation)
  return { version, templates: inOrder(templates) }
}

/** The state after what a store reported: on top of what is known, or in its place when it is everything. */
export function applyChanges(state: RegistryState, changes: RegistryChanges): RegistryState {
  return applyOperations(changes.full ? EMPTY_STATE : state, changes.operations, changes.version)
}

/** The same state, frozen and in the order that all nodes share; stores load in any order. */
export function inStableOrder(state: RegistryState): RegistryState {
  return applyOperations(EMPTY_STATE, stateOperations(state), state.version)
}

/** The names of the templates that operations touch, each once. */
export function touchedTemplates(operations: readonly RegistryOperation[]): string[] {
  return [...new Set(operations.map(templateOf))]
}

/** The operations that would make the whole state out of nothing; what a store sends when it sends all. */
export function stateOperations(state: RegistryState): RegistryOperation[] {
  return [...state.templates.values()].flatMap(({ instances, ...template }) => [
    { op: 'put-template', template },
    ...instances.map((instance): RegistryOperation => ({ op: 'put-instance', instance })),
  ])
}

function applyOne(templates: Map<string, Template>, operation: RegistryOperation): void {
  if (operation.op === 'delete-template') {
    templates.delete(operation.name)
    return
  }
  const name = templateOf(operation)
  const known = templates.get(name)
  if (known === undefined && operation.op === 'delete-instance') return
  const before = known ?? { name, settings: {}, instances: [] }
  templates.set(name, deepFreeze(withOperation(before, operation)))
}

function withOperation(before: Template, operation: Exclude<RegistryOperation, { op: 'delete-template' }>): Template {
  if (operation.op === 'put-template') return { ...operation.template, instances: before.instances }
  const id = operation.op === 'put-instance' ? operation.instance.id : operation.id
  const others = before.instances.filter((instance) => instance.id !== id)
  if (operation.op === 'delete-instance') return { ...before, instances: others }
  return { ...before, instances: insertInOrder(others, operation.instance) }
}

function insertInOrder(instances: readonly Instance[], added: Instance): Instance[] {
  const next = instances.findIndex((instance) => compareNames(instance.id, added.id) > 0)
  return next === -1 ? [...instances, added] : instances.toSpliced(next, 0, added)
}

function inOrder(templates: ReadonlyMap<string, Template>): ReadonlyMap<string, Template> {
  return new Map([...templates].sort(([a], [b]) => compareNames(a, b)))
}

function templateOf(operation: RegistryOperation): string {
  if (operation.op === 'put-template') return operation.template.name
  if (operation.op === 'delete-template') return operation.name
  return operation.op === 'put-instance' ? operation.instance.template : operation.template
}
