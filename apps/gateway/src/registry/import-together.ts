import type { Actor, ImportedUser, ImportedUsers, Users } from '@mcp-platform/auth'
import type { ChangeContext, CommitWithin, Imported, Registry } from '@mcp-platform/core-registry'
import type { UnitOfWork } from '@mcp-platform/gateway-core'
import type { ImportParts } from './export.js'

/** Where an import goes. */
export interface ImportTargets {
  readonly registry: Registry
  readonly users: Users
  readonly unit: UnitOfWork
}

/** In whose name it is made, once for either half. */
export interface ImportedBy {
  readonly by: ChangeContext
  readonly actor: Actor
}

/** What an import changed, or would change. */
export interface ImportedTogether {
  readonly registry: Imported
  /** Absent: the document names no users. */
  readonly users?: ImportedUsers | undefined
}

/** Validates a document whole and says what it would change. @throws what the two imports throw */
export async function planTogether(
  { registry, users }: Pick<ImportTargets, 'registry' | 'users'>,
  parts: ImportParts,
  { by, actor }: ImportedBy,
): Promise<ImportedTogether> {
  const planned = await registry.import(parts.registry, by, { dryRun: true })
  return { registry: planned, users: parts.users && (await users.import(parts.users, actor, { dryRun: true })) }
}

/**
 * Imports registry and users in one transaction: all of it is in force, or nothing. Each half is decided on the newest state
 * of its own; when somebody was faster, in either, both are decided again.
 * @throws what the two imports throw
 */
export async function importTogether(
  targets: ImportTargets,
  parts: ImportParts,
  { by, actor }: ImportedBy,
): Promise<ImportedTogether> {
  const { registry, users } = targets
  if (parts.users === undefined) return { registry: await registry.import(parts.registry, by) }
  const half = new UsersHalf(targets, parts.users, actor)
  const imported = await registry.import(parts.registry, by, { within: half.within })
  // Nothing of the registry was new: the users are all there is.
  return { registry: imported, users: half.imported ?? (await users.import(parts.users, actor)) }
}

/** The users of an import, written with the registry's half of it. */
class UsersHalf {
  /** Absent until the registry had something to write. */
  imported: ImportedUsers | undefined
  readonly #targets: ImportTargets
  readonly #wanted: readonly ImportedUser[]
  readonly #actor: Actor

  constructor(targets: ImportTargets, wanted: readonly ImportedUser[], actor: Actor) {
    this.#targets = targets
    this.#wanted = wanted
    this.#actor = actor
  }

  readonly within: CommitWithin = async (diff, by, alone) => {
    let version: number | undefined
    this.imported = await this.#targets.users.import(this.#wanted, this.#actor, {
      commit: async (changes, expectedVersion, audit) => {
        const identity = { changes, expectedVersion, audit }
        const versions = await this.#targets.unit.commit({ registry: { diff, by }, identity })
        version = versions.registry
        return versions.identity
      },
    })
    // Undefined: no user was new, so the registry is all there is.
    return version ?? alone()
  }
}
