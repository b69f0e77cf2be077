import type { MasterKeyRing } from '@mcp-platform/auth'

/** The keys of snapshot files: of the master key in use, and of those that are still read. */
export function snapshotKeys({ current, all }: MasterKeyRing): readonly [Uint8Array, ...Uint8Array[]] {
  const others = all.filter(({ id }) => id !== current.id)
  return [current.derive('snapshot-mac'), ...others.map((key) => key.derive('snapshot-mac'))]
}
