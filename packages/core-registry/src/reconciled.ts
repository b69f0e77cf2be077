import type { PartialTemplateSettings } from './model.js'

/** Names one instance. */
export interface InstanceRef {
  readonly template: string
  readonly id: string
}

/** An entry of a snapshot that could not be applied; the others were. */
export interface ReconcileConflict {
  readonly template: string
  /** Absent: the conflict is about the template's settings. */
  readonly id?: string | undefined
  readonly reason: 'other-source' | 'duplicate' | 'invalid' | 'alias'
  /** The source that owns the id or the settings. */
  readonly owner?: string | undefined
  readonly message: string
}

/** What a snapshot changed, or with `dryRun` would change. */
export interface Reconciled {
  readonly added: readonly InstanceRef[]
  readonly changed: readonly InstanceRef[]
  readonly removed: readonly InstanceRef[]
  /** Templates whose settings became different. */
  readonly templates: readonly string[]
  readonly conflicts: readonly ReconcileConflict[]
}

/** Settings that a snapshot declares for a template; the template exists even without instances. */
export interface DeclaredTemplate {
  readonly name: string
  readonly settings: PartialTemplateSettings
}
