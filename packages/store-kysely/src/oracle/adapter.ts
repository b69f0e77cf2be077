import { DialectAdapterBase } from 'kysely'

/** What Oracle can and cannot. The migration lock is ours, around everything; Kysely need not take another. */
export class OracleAdapter extends DialectAdapterBase {
  override get supportsCreateIfNotExists(): boolean {
    return false
  }

  override get supportsTransactionalDdl(): boolean {
    return false
  }

  override get supportsReturning(): boolean {
    return false
  }

  async acquireMigrationLock(): Promise<void> {}

  async releaseMigrationLock(): Promise<void> {}
}
