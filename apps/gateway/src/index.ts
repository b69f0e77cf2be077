export { type DescribedConfig, type DescribedSetting, describeConfig } from './config/describe.js'
export type { ConfigSources } from './config/load.js'
export {
  type BackupOptions,
  type BackupResult,
  backupDatabase,
  type DatabaseStatus,
  databaseStatus,
  migrateDatabase,
  type RestoreOptions,
  type RestoreResult,
  restoreDatabase,
} from './database/admin.js'
export { type ConfigFault, GatewayConfigError, GatewayStartError, type StartFailure } from './errors.js'
export type { LogSink } from './log/logger.js'
export { type OpenStoresOptions, openStores, type Stores } from './open-stores.js'
export { type EncryptedExport, readEncryptedExport, writeEncryptedExport } from './packed/export-file.js'
export { PackedFileError, type PackedFileFailure } from './packed/packed-error.js'
export { startGateway } from './start-gateway.js'
export type { StartedGateway, StartOptions } from './start-options.js'
export { version } from './version.js'
