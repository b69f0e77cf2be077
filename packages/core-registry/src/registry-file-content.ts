import type { Fault } from './faults.js'
import type { DeclaredTemplate } from './reconciled.js'
import type { InstanceSpec } from './spec.js'

/** What a registry file holds. Entries with faults are left out; the others are here. */
export interface RegistryFile {
  readonly templates: readonly DeclaredTemplate[]
  readonly specs: readonly InstanceSpec[]
  readonly faults: readonly Fault[]
}

/** What `${VAR}` in an mcp.json stands for. @default nothing is defined */
export type Environment = Readonly<Record<string, string | undefined>>
