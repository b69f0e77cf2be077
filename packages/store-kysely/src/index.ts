export type {
  ApiKeysTable,
  AuditChainsTable,
  AuditLinksTable,
  AuthTables,
  KeyChecksTable,
  RefreshTokensTable,
  RevokedTokensTable,
  SigningKeysTable,
  UsersTable,
} from './auth/tables.js'
export { type DialectName, isTransient, SQLITE_PRAGMAS } from './dialects.js'
export {
  IdentityStaleError,
  LeaseLostError,
  MigrationFailedError,
  MigrationLockedError,
  OutcomeUnknownError,
  SchemaNewerError,
  StoreBusyError,
  StoreCorruptError,
  StoreError,
  type StoreErrorCode,
  StoreSealedError,
  StoreStaleError,
} from './errors.js'
export type { RowSigner } from './row-signature.js'
export type { Seal } from './seal.js'
export type {
  AuditEventsTable,
  CircuitStatesTable,
  IdempotencyKeysTable,
  InstancesTable,
  LeasesTable,
  LoadBalancerConfigsTable,
  NodesTable,
  RegistryVersionTable,
  StoreTables,
  TemplatesTable,
  TombstonesTable,
} from './tables.js'
export { type Patience, type TransactOptions, transact } from './transact.js'
