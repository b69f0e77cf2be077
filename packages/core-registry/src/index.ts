export { endpointFault } from './endpoint.js'
export {
  type ConflictReason,
  InstanceNotFoundError,
  RegistryConflictError,
  RegistryError,
  type RegistryErrorCode,
  RegistryFileError,
  RegistryStaleError,
  TemplateNotFoundError,
  ValidationError,
} from './errors.js'
export type { RegistryEvent } from './events.js'
export type { Fault } from './faults.js'
export { type LaunchProfiles, parseLaunchProfiles } from './launch-profiles.js'
export { MemoryRegistryStore, type MemoryRegistryStoreOptions } from './memory-store.js'
export { isMetadataHost } from './metadata-hosts.js'
export type {
  AdminState,
  Attach,
  DeclaredSettings,
  HealthCheck,
  HttpAttach,
  Instance,
  PartialTemplateSettings,
  ProfileAttach,
  ProtocolSetting,
  RegistryState,
  SettingsGroup,
  StdioAttach,
  StrategyName,
  Template,
  TemplateSettings,
  TlsIdentity,
} from './model.js'
export { aliasFault, compareNames, instanceIdFault, templateNameFault } from './names.js'
export type { Registered } from './plan.js'
export type { Imported } from './plan-import.js'
export type { DeclaredTemplate, InstanceRef, ReconcileConflict, Reconciled } from './reconciled.js'
export { type InstancePatch, parseInstancePatch, parseRegistration, type Registration } from './registration.js'
export { Registry } from './registry.js'
export { parseRegistryFile } from './registry-file.js'
export type { Environment, RegistryFile } from './registry-file-content.js'
export type {
  ImportOptions,
  ReconcileOptions,
  RegisterOptions,
  RegistryListener,
  RegistryOptions,
} from './registry-options.js'
export {
  DEFAULT_SETTINGS,
  effectiveSettings,
  instanceMaxInFlight,
  mergeSettings,
  parseSettings,
  settingsToWire,
} from './settings.js'
export { type InstanceSpec, matchesSpec } from './spec.js'
export { joinCommand, type SplitCommand, splitCommand } from './split-command.js'
export { applyChanges, applyOperations, EMPTY_STATE, stateOperations, type TemplateHead } from './state.js'
export type {
  ChangeContext,
  CommitWithin,
  RegistryChanges,
  RegistryDiff,
  RegistryOperation,
  RegistryStore,
} from './store.js'
export { type UntrustedRow, untrustedRows } from './untrusted.js'
