import {
  applyChanges,
  EMPTY_STATE,
  type RegistryChanges,
  type RegistryOperation,
  type RegistryState,
  type RegistryStore,
  stateOperations,
} from '@mcp-platform/core-registry'

/** Everything of a state, as a worker takes it that knows nothing yet. */
export function wholeState(state: RegistryState): RegistryChanges {
  return { version: state.version, full: true, operations: stateOperations(state) }
}

/** What leads from one state to a later one. Templates and instances that did not change are the same objects in both. */
export function changesBetween(previous: RegistryState, next: RegistryState): RegistryChanges {
  const operations: RegistryOperation[] = []
  for (const name of previous.templates.keys()) {
    if (!next.templates.has(name)) operations.push({ op: 'delete-template', name })
  }
  for (const template of next.templates.values()) {
    const known = previous.templates.get(template.name)
    if (known === template) continue
    const { instances, ...head } = template
    operations.push({ op: 'put-template', template: head })
    const before = new Map(known?.instances.map((instance) => [instance.id, instance]))
    for (const instance of instances) {
      if (before.get(instance.id) !== instance) operations.push({ op: 'put-instance', instance })
      before.delete(instance.id)
    }
    for (const id of before.keys()) operations.push({ op: 'delete-instance', template: template.name, id })
  }
  return { version: next.version, full: false, operations }
}

/** A registry store that is fed by the primary and cannot be written: changes are made where the database is. */
export class ReplicaStore implements RegistryStore {
  #version = 0
  #waiting: RegistryOperation[] = []
  #full = false

  /** Takes in what the primary sent; the next refresh of the registry applies it. */
  push(changes: RegistryChanges): void {
    if (changes.full) this.#waiting = []
    this.#full ||= changes.full
    this.#version = changes.version
    this.#waiting.push(...changes.operations)
  }

  async load(): Promise<RegistryState> {
    return applyChanges(EMPTY_STATE, { ...this.#take(), full: true })
  }

  async changesSince(): Promise<RegistryChanges> {
    return this.#take()
  }

  commit(): Promise<never> {
    return Promise.reject(new Error('the registry of a worker cannot be changed; the primary changes it'))
  }

  #take(): RegistryChanges {
    const changes = { version: this.#version, full: this.#full, operations: this.#waiting }
    this.#waiting = []
    this.#full = false
    return changes
  }
}
