import type { CircuitState, InstanceStatus } from './instances.js'
import type { Count } from './numbers.js'
import type { StrategyName } from './settings.js'

/** Answer of `GET /gateway/explain?template=…`: who would be picked now, and why nobody else. */
export interface ExplainView {
  readonly template: string
  readonly strategy: StrategyName
  /** Null: nobody can be picked; then `reason` says why. */
  readonly picked: string | null
  readonly reason: string
  readonly instances: readonly ExplainInstance[]
}

/** One instance as the balancer sees it. */
export interface ExplainInstance {
  readonly instance_id: string
  readonly picked: boolean
  readonly available: boolean
  /** One sentence: why it would (not) be picked. */
  readonly reason: string
  readonly status: InstanceStatus
  readonly circuit: CircuitState
  readonly weight: number
  /** Weight times share. */
  readonly effective_weight: number
  /** 0..1: slow start, degraded. */
  readonly share: number
  readonly in_flight: Count
  readonly max_in_flight: Count
  /** Milliseconds, smoothed; null while nothing was measured. */
  readonly latency_ms: number | null
  /** 0..100. */
  readonly score: Count
}
