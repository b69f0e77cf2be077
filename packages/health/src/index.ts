export type { CircuitOptions } from './circuit.js'
export { CircuitRecorder, type CircuitRecorderOptions } from './circuit-recorder.js'
export {
  CommandFailedError,
  DuplicateTargetError,
  type HealthErrorCode,
  MonitorClosedError,
  ProbeAbortedError,
  ProbeTimeoutError,
  UnknownTargetError,
} from './errors.js'
export type { CircuitCause, HealthEvent } from './events.js'
export type { CallReport, Fitness, Suspicion } from './fitness.js'
export { HealthMonitor } from './monitor.js'
export type { HealthMonitorOptions } from './options.js'
export type { Probe, ProbeResult } from './probe.js'
export { type HttpProbeOptions, httpProbe } from './probes/http.js'
export { type Scheduler, systemScheduler } from './scheduler.js'
export type { HealthStatus, HeldStatus } from './status.js'
export type { CircuitChange, CircuitStore, StoredCircuit } from './store.js'
export type { AdminState, Target } from './target.js'
export { type HealthStats, healthScore, type TargetView } from './views.js'
