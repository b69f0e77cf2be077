/** Why a backup cannot be made or restored. */
export type BackupFailure =
  | 'BACKUP_UNREADABLE'
  | 'BACKUP_INVALID'
  | 'BACKUP_PASSPHRASE'
  | 'BACKUP_NEWER'
  | 'BACKUP_TARGET_NOT_EMPTY'

/** A backup cannot be made or restored. Nothing was changed. `message` is one sentence. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: BackupFailure

  constructor(code: BackupFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
