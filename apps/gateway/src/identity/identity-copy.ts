import type { AuthSnapshotData, PublishedKey } from '@mcp-platform/auth'

/** What a worker knows of users, keys and tokens. Survives structured cloning. */
export interface IdentityCopy {
  readonly snapshot: AuthSnapshotData
  readonly keys: readonly PublishedKey[]
  /** Nodes that share the limits. */
  readonly nodes: number
}
