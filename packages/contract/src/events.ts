import type { CircuitState, InstanceStatus } from './instances.js'

/** One event of `GET /gateway/events`: the SSE event name is its `type`. `at` is ISO 8601. */
export type GatewayEventWire =
  | HelloEvent
  | InstanceStatusEvent
  | InstanceCircuitEvent
  | RegistryChangedEvent
  | CatalogueDiffersEvent
  | EventsMissedEvent

/** The first event of every stream: from here on nothing is missed. */
export interface HelloEvent {
  readonly type: 'hello'
  readonly at: string
  readonly version: string
}

/** What people see of an instance has changed. */
export interface InstanceStatusEvent {
  readonly type: 'instance_status'
  readonly at: string
  readonly template: string
  readonly instance_id: string
  readonly previous: InstanceStatus | null
  readonly status: InstanceStatus
  readonly reason?: string | undefined
}

/** The circuit of an instance has changed; `open` is an ejection. */
export interface InstanceCircuitEvent {
  readonly type: 'instance_circuit'
  readonly at: string
  readonly template: string
  readonly instance_id: string
  readonly circuit: CircuitState
  /** ISO 8601; when an open circuit is tried again. */
  readonly until?: string | undefined
  readonly reason?: string | undefined
}

/** Instances or settings were registered, changed or removed. */
export interface RegistryChangedEvent {
  readonly type: 'registry_changed'
  readonly at: string
  /** Version of the registry after the change. */
  readonly version: number
  /** `register`, `deregister`, `update`, `reconcile`, … */
  readonly action: string
  readonly actor: string
  readonly templates: readonly string[]
}

/** The instances of a template do not offer the same tools. */
export interface CatalogueDiffersEvent {
  readonly type: 'catalogue_differs'
  readonly at: string
  readonly template: string
  readonly instance_ids: readonly string[]
}

/** The reader was too slow: this many events were dropped for it. */
export interface EventsMissedEvent {
  readonly type: 'events_missed'
  readonly at: string
  readonly count: number
}
