/** What a packed file holds: a whole database, or an export of registry and users. */
export type PackedKind = 'backup' | 'export'

/** Why a backup cannot be made or restored, or an encrypted export not read. */
export type PackedFileFailure =
  | 'BACKUP_UNREADABLE'
  | 'BACKUP_UNWRITABLE'
  | 'BACKUP_INVALID'
  | 'BACKUP_PASSPHRASE'
  | 'BACKUP_NEWER'
  | 'BACKUP_TARGET_NOT_EMPTY'
  | 'EXPORT_UNREADABLE'
  | 'EXPORT_INVALID'
  | 'EXPORT_PASSPHRASE'

/** A backup cannot be made or restored, or an encrypted export not read. Nothing was changed. `message` is one sentence. */
export class PackedFileError extends Error {
  override readonly name = 'PackedFileError'
  readonly code: PackedFileFailure

  constructor(code: PackedFileFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
