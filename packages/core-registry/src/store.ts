import type { Instance, RegistryState, Template } from './model.js'

/** Who made a change, for the audit record that is written in the same transaction. */
export interface ChangeContext {
  readonly actor: string
  readonly requestId?: string | undefined
  readonly address?: string | undefined
}

/** One step of a change. `instance` rows carry everything; deletes name the row only. */
export type RegistryOperation =
  | { readonly op: 'put-template'; readonly template: Omit<Template, 'instances'> }
  | { readonly op: 'delete-template'; readonly name: string }
  | { readonly op: 'put-instance'; readonly instance: Instance }
  | { readonly op: 'delete-instance'; readonly template: string; readonly id: string }

/** What one change does, in order; applied whole or not at all. */
export interface RegistryDiff {
  readonly operations: readonly RegistryOperation[]
  /** Stable verb for the audit record: `instance.register`, `template.update`, … */
  readonly action: string
  /**
   * The version the change was decided on. When the store has another one by now, `commit` rejects with an error
   * whose `code` is `REGISTRY_STALE` and applies nothing; the registry refreshes and decides again. Absent: not checked.
   */
  readonly expectedVersion?: number | undefined
}

/**
 * Everything that became different after the version asked for; `full` when the store could not tell and sends all
 * (then the operations are puts that make up the whole state). Puts of templates come before those of their instances.
 */
export interface RegistryChanges {
  readonly version: number
  readonly full: boolean
  readonly operations: readonly RegistryOperation[]
}

/**
 * Persistence of the registry: a port. Implementations pass `registryStoreConformance` of `core-registry/testing`.
 * `commit` is one transaction over rows, version and audit record, and returns the new version.
 */
export interface RegistryStore {
  /** Everything, in any order. */
  load(): Promise<RegistryState>
  changesSince(version: number): Promise<RegistryChanges>
  commit(diff: RegistryDiff, by: ChangeContext): Promise<number>
}

/**
 * Writes a change as a part of something larger that holds whole or not at all: gets what the store would get, and how to
 * write it `alone`. Gives the version, and rejects as the store does. Called again when the change was decided anew.
 */
export type CommitWithin = (diff: RegistryDiff, by: ChangeContext, alone: () => Promise<number>) => Promise<number>
