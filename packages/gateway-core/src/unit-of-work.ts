import type { AuditEvent, IdentityChange } from '@mcp-platform/auth'
import type { ChangeContext, RegistryDiff } from '@mcp-platform/core-registry'

/** A change of the registry and one of users and keys, each as its own store would get it. */
export interface UnitOfChanges {
  readonly registry: { readonly diff: RegistryDiff; readonly by: ChangeContext }
  readonly identity: {
    readonly changes: readonly IdentityChange[]
    readonly expectedVersion: number
    readonly audit: AuditEvent
  }
}

/** The version that each half has from now on. */
export interface UnitVersions {
  readonly registry: number
  readonly identity: number
}

/**
 * Writes what belongs to the registry and what belongs to users and keys as one. Implementations pass
 * `unitOfWorkConformance` of `gateway-core/testing`.
 */
export interface UnitOfWork {
  /**
   * Both halves with their audit records, or nothing of either.
   * @throws what the stores of the halves throw: an error with code `REGISTRY_STALE` or `AUTH_STALE` if somebody was faster
   */
  commit(unit: UnitOfChanges): Promise<UnitVersions>
}
