import type { DialectName, StoreTables } from '@mcp-platform/store-kysely'
import { type MigrationStatus, migrate, migrationStatus } from '@mcp-platform/store-kysely/migrations'
import type { Kysely } from 'kysely'
import { GatewayStartError } from '../errors.js'

/** What to do about the schema: bring it up to date, refuse an old one, look at nothing. */
export type SchemaMode = 'apply' | 'require' | 'skip'

/** A database whose schema is to be looked at. */
export interface BringUpPlace {
  readonly kysely: Kysely<StoreTables>
  readonly dialect: DialectName
  /** Runs the migrations, where statements may take long. */
  readonly migrating: <T>(work: (db: Kysely<StoreTables>) => Promise<T>) => Promise<T>
}

/**
 * Makes sure that this version can work on a database. A newer schema is fine as long as it has all that this version needs.
 * @returns what the operator should know
 * @throws GatewayStartError SCHEMA_OUTDATED, SCHEMA_NEWER; errors of the database
 */
export async function bringUp(place: BringUpPlace, schema: SchemaMode): Promise<string | undefined> {
  if (schema === 'skip') return undefined
  const status = await migrationStatus(place.kysely)
  if (schema === 'apply' && status.pending.length > 0 && status.unknown.length === 0) {
    await place.migrating((db) => migrate(db, place.dialect))
    return undefined
  }
  return judge(status)
}

function judge(status: MigrationStatus): string | undefined {
  const { pending, unknown, usable } = status
  if (usable && unknown.length === 0) return undefined
  if (usable) return `the database was migrated by a newer version (${unknown.join(', ')}); this one goes on beside it`
  if (unknown.length > 0) {
    const message = `the database was migrated by a newer version that this one cannot work beside (${unknown.join(', ')}); upgrade this gateway`
    throw new GatewayStartError('SCHEMA_NEWER', message)
  }
  const message = `the database schema is old (${pending.length} migrations are missing); run "mcpp gateway db migrate", or start without --no-migrate`
  throw new GatewayStartError('SCHEMA_OUTDATED', message)
}

/** Something that must succeed once before anything else, and is tried again by whoever comes next until it has. */
export class OnceDone {
  readonly #work: () => Promise<void>
  #done = false
  #running: Promise<void> | undefined

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  get done(): boolean {
    return this.#done
  }

  readonly pass = async (): Promise<void> => {
    if (this.#done) return
    this.#running ??= this.#run()
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      await this.#work()
      this.#done = true
    } finally {
      this.#running = undefined
    }
  }
}
