export { PeerStartError, type TestKitErrorCode, TestKitTimeoutError } from './errors.js'
export type { Answer, Methods } from './fault-server/answer.js'
export { type Fault, faultExecutes, faults } from './fault-server/faults.js'
export type { ConnectionMode } from './fault-server/listener.js'
export { LEGACY_VERSIONS, MODERN_VERSION } from './fault-server/message.js'
export type { SeenRequest } from './fault-server/request-log.js'
export { type FaultScript, type FaultServer, type FaultServerOptions, startFaultServer } from './fault-server/server.js'
export {
  bigTool,
  defaultTools,
  echoTool,
  type FaultTool,
  failingTool,
  type JsonObject,
  type Outcome,
  progressTool,
  readOnlyEchoTool,
  slowTool,
  type ToolContext,
} from './fault-server/tools.js'
export { type IssuerAlgorithm, type IssuerMode, startIssuer, type TestIssuer } from './issuer.js'
export { type Launched, type LaunchOptions, launch, ownerMark } from './launch.js'
export { type Stoppable, stoppable } from './lifecycle.js'
export { pidAlive, processStartTicks } from './pid.js'
export { freePort, refusesConnections } from './ports.js'
export {
  type EverythingOptions,
  type EverythingServer,
  everythingStdio,
  filesystemStdio,
  memoryStdio,
  type StdioPeer,
  startEverything,
} from './real-peers.js'
export { seededRandom } from './seeded-random.js'
export { startTcpProxy, type TcpProxy, type TcpProxyMode, type TcpTarget } from './tcp-proxy.js'
export { type TempDir, tempDir } from './temp.js'
export { type WaitOptions, waitFor } from './wait.js'
