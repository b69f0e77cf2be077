import type { AuditEvent, Denial, DerivedKeys, Rehash } from '@mcp-platform/auth'
import type { RegistryChanges } from '@mcp-platform/core-registry'
import type { GatewayCounts } from '@mcp-platform/gateway-core'
import type { HealthEvent, StoredCircuit } from '@mcp-platform/health'
import type { SealingKey } from '@mcp-platform/mcp-bridge'
import type { EffectiveModes } from '../config/effective.js'
import type { Settings } from '../config/settings.js'
import type { DoorSecrets } from '../identity/door.js'
import type { IdentityCopy } from '../identity/identity-copy.js'
import type { Peer } from '../nodes/peers.js'

/** What a worker is made from. It reads no configuration, file or database of its own. */
export interface WorkerConfig {
  /** Name of the process; with that of the node it is sealed into the ids of the sessions that live in it. */
  readonly home: string
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly secrets: DoorSecrets
  readonly sealingKeys: readonly SealingKey[]
  readonly version: string
  /** Folder of the local sockets. */
  readonly sockets: string
  /** The node that the worker is a part of. */
  readonly node: string
  /** Keys for messages between nodes. */
  readonly hopKeys: DerivedKeys
}

/** What a worker must know before it can serve. */
export interface WorkerState {
  readonly registry: RegistryChanges
  readonly identity: IdentityCopy
  /** Circuits that are open now. */
  readonly circuits: readonly StoredCircuit[]
  /** The processes that sessions may live in. */
  readonly homes: readonly string[]
  /** The other nodes. */
  readonly peers: readonly Peer[]
}

/** Names one instance. */
export interface InstanceName {
  readonly template: string
  readonly id: string
}

/** What the primary knows of an instance. */
export interface Verdict {
  /** By the primary's own thresholds. */
  readonly state: 'fit' | 'unfit' | 'held'
  readonly reason: string | undefined
  /** The last probe passed, whatever it adds up to. */
  readonly passed: boolean
}

/** One step of a circuit in a worker. */
export interface CircuitStep {
  readonly template: string
  readonly event: HealthEvent & { readonly type: 'circuit' }
}

/** What the primary asks of a worker. */
export type WorkerMethods = {
  /** Gets everything ready but the public address; resolves when every instance is known to be fit or not. */
  readonly begin: (args: { readonly config: WorkerConfig; readonly state: WorkerState }) => void
  /** Binds the public address. */
  readonly listen: () => void
  readonly registry: (changes: RegistryChanges) => void
  readonly homes: (homes: readonly string[]) => void
  /** The other nodes, at every look. */
  readonly peers: (peers: readonly Peer[]) => void
  /** Users, keys or tokens have changed. */
  readonly identity: (copy: IdentityCopy) => void
  /** What was told of users, keys and tokens still holds. */
  readonly identityHolds: (facts: { readonly nodes: number }) => void
  /** The health of an instance has changed. */
  readonly status: (instance: InstanceName) => void
  /** Ends what an instance has in flight. */
  readonly cut: (instance: InstanceName) => void
  readonly forget: (instance: InstanceName) => void
  /** Tells the counters now; they have been told when this is answered. */
  readonly count: () => void
  /** Accepts nothing new and resolves when all is answered, or the time (in milliseconds) is up. */
  readonly drain: (args: { readonly graceMs: number }) => void
  /** Ends the waiting of a drain. */
  readonly hurry: () => void
  readonly exit: () => void
}

/** What a worker asks of its primary. */
export type PrimaryMethods = {
  /** `urgent`: only a probe of the last second will do. */
  readonly probe: (question: InstanceName & { readonly urgent: boolean }) => Verdict
  /** Another node, also one that came a moment ago. */
  readonly findPeer: (question: { readonly node: string }) => Peer | undefined
  readonly circuit: (step: CircuitStep) => void
  /** Counters, without instances that are as they were the last time. */
  readonly counts: (counts: GatewayCounts) => void
  /** Something was refused. */
  readonly denied: (denial: Denial) => void
  /** A call that a template wants audited. */
  readonly called: (event: AuditEvent) => void
  readonly keyUsed: (use: { readonly id: string; readonly at: number }) => void
  readonly keyRehashed: (use: { readonly id: string; readonly rehash: Rehash }) => void
  /** Finished log lines, in JSON. */
  readonly log: (lines: readonly string[]) => void
}
