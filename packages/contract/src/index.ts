export { type ErrorCode, type ErrorCodeEntry, errorCodes, isErrorCode, rpcCodes } from './error-codes.js'
export type {
  CatalogueDiffersEvent,
  EventsMissedEvent,
  GatewayEventWire,
  HelloEvent,
  InstanceCircuitEvent,
  InstanceStatusEvent,
  RegistryChangedEvent,
} from './events.js'
export type { ExplainInstance, ExplainView } from './explain.js'
export { headerNames } from './headers.js'
export type { GatewayHealth, InstanceCounts, InstanceHealth, Probe, TemplateHealth, TemplateStatus } from './health.js'
export type {
  CircuitState,
  InstanceOverrideView,
  InstancePatch,
  InstanceRequest,
  InstanceState,
  InstanceStatus,
  InstanceView,
  SecretView,
  TransportName,
} from './instances.js'
export {
  type BatchCall,
  type BatchItem,
  type BatchRequest,
  type BatchResult,
  type CallRequest,
  type CallResult,
  type CompleteRequest,
  type CompleteResult,
  type CompletionValues,
  type ContentBlock,
  callStreamEvents,
  type GetPromptRequest,
  type GetPromptResult,
  type McpNotification,
  type Prompt,
  type PromptArgument,
  type PromptMessage,
  type PromptsList,
  type ReadResourceRequest,
  type ReadResourceResult,
  type Resource,
  type ResourceContents,
  type ResourcesList,
  type ResourceTemplate,
  type ResourceTemplatesList,
  type Tool,
  type ToolsList,
} from './mcp.js'
export { type OpenApiFragment, openApiFragment } from './openapi-fragment.js'
export { paths } from './paths.js'
export {
  type Executed,
  type FieldError,
  PROBLEM_CONTENT_TYPE,
  type Problem,
  type UpstreamErrorView,
} from './problem.js'
export type {
  DeregisterResponse,
  ExportDocument,
  ImportResult,
  InstanceName,
  ProbeReport,
  RegisterRequest,
  RegisterResponse,
  RegistryTemplateView,
  RegistryView,
  SyncResult,
  SyncSource,
  TemplatesList,
  TemplateView,
} from './registry.js'
export {
  type AffinityWire,
  type FailoverSettingsWire,
  type HealthCheckWire,
  type LoadBalancerSettingsWire,
  type ProtocolSettingWire,
  type StdioSettingsWire,
  type StrategyName,
  strategyNames,
  type TemplateSettingsPatch,
  type TemplateSettingsWire,
  type TimeoutSettingsWire,
} from './settings.js'
export { DEFAULT_STATE_FOLDER, type GatewayStateFile, STATE_FILE_NAME } from './state-file.js'
export type {
  GatewayCounters,
  GatewayStats,
  HealthCheckerStats,
  InstanceStats,
  LatencyMs,
  LoadBalancerStats,
  RegistryStats,
  TemplateStats,
} from './stats.js'
