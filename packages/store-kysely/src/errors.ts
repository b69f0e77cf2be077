/** Every code an error of this package can carry. Stable. `REGISTRY_STALE` and `AUTH_STALE` belong to the ports. */
export type StoreErrorCode =
  | 'STORE_BUSY'
  | 'STORE_LOCKED'
  | 'STORE_SCHEMA_NEWER'
  | 'STORE_MIGRATION_FAILED'
  | 'STORE_CORRUPT'
  | 'STORE_SEALED'
  | 'STORE_OUTCOME_UNKNOWN'
  | 'STORE_LEASE_LOST'
  | 'REGISTRY_STALE'
  | 'AUTH_STALE'

/** Base of all errors of this package: tell them apart by `code`. Errors of the driver pass through as they are. */
export abstract class StoreError extends Error {
  abstract readonly code: StoreErrorCode
  override get name(): string {
    return this.constructor.name
  }
}

/** Others held the database's locks for longer than we wait. Nothing was written. */
export class StoreBusyError extends StoreError {
  readonly code = 'STORE_BUSY'
  readonly waitedMs: number

  constructor(waitedMs: number, options: ErrorOptions) {
    super(`the database was locked by others for ${Math.round(waitedMs)} ms`, options)
    this.waitedMs = waitedMs
  }
}

/** Another process held the migration lock for longer than we wait. */
export class MigrationLockedError extends StoreError {
  readonly code = 'STORE_LOCKED'
  readonly waitedMs: number

  constructor(waitedMs: number) {
    super(`another process is migrating the database; gave up after ${Math.round(waitedMs)} ms`)
    this.waitedMs = waitedMs
  }
}

/** A newer version of this package has migrated the database. */
export class SchemaNewerError extends StoreError {
  readonly code = 'STORE_SCHEMA_NEWER'
  /** Migrations in the database that this version does not know. */
  readonly unknown: readonly string[]

  constructor(unknown: readonly string[]) {
    super(`the database was migrated by a newer version (${unknown.join(', ')}); upgrade this one, or restore a backup`)
    this.unknown = unknown
  }
}

/** A migration failed; those before it are done. Where the database can, everything of this run was taken back. */
export class MigrationFailedError extends StoreError {
  readonly code = 'STORE_MIGRATION_FAILED'
  readonly migration: string | undefined

  constructor(migration: string | undefined, options: ErrorOptions) {
    super(`migration ${migration ?? '(none begun)'} failed`, options)
    this.migration = migration
  }
}

/** A row holds what this package did not write. */
export class StoreCorruptError extends StoreError {
  readonly code = 'STORE_CORRUPT'
  readonly row: string

  constructor(row: string, options: ErrorOptions) {
    super(`the row ${row} cannot be read`, options)
    this.row = row
  }
}

/** A row holds sealed secrets and no `seal` was given, or the wrong one. */
export class StoreSealedError extends StoreError {
  readonly code = 'STORE_SEALED'
  readonly row: string

  constructor(row: string, reason: string, options?: ErrorOptions) {
    super(`the secrets of the row ${row} cannot be opened: ${reason}`, options)
    this.row = row
  }
}

/** The connection was lost while the database was told to commit: the change may hold or not. Look before you repeat. */
export class OutcomeUnknownError extends StoreError {
  readonly code = 'STORE_OUTCOME_UNKNOWN'

  constructor(options: ErrorOptions) {
    super('the database did not confirm the change; it may have been made', options)
  }
}

/** Somebody else has the lease by now, or its time is over. Nothing was written. */
export class LeaseLostError extends StoreError {
  readonly code = 'STORE_LEASE_LOST'
  readonly lease: string
  readonly generation: number

  constructor(lease: string, generation: number) {
    super(`the lease ${lease} of generation ${generation} is over`)
    this.lease = lease
    this.generation = generation
  }
}

/** Another writer was faster; the registry decides again by itself. */
export class StoreStaleError extends StoreError {
  readonly code = 'REGISTRY_STALE'

  constructor(expectedVersion: number, version: number) {
    super(`the registry is at version ${version}, the change was decided on version ${expectedVersion}`)
  }
}

/** Another writer of users or keys was faster; the directory decides again by itself. */
export class IdentityStaleError extends StoreError {
  readonly code = 'AUTH_STALE'

  constructor(expectedVersion: number, version: number) {
    super(`users and keys are at version ${version}, the change was decided on version ${expectedVersion}`)
  }
}
