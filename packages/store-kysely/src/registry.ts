import type { AuditChain } from '@mcp-platform/auth'
import type { RegistryStore } from '@mcp-platform/core-registry'
import type { Kysely } from 'kysely'
import { type DialectName, traitsOf } from './dialects.js'
import { type CommitFacts, commitDiff } from './registry-commit.js'
import { readChanges, readState, readVersion } from './registry-read.js'
import type { RowSigner } from './row-signature.js'
import type { Seal } from './seal.js'
import type { StoreTables } from './tables.js'
import { type Patience, retrying, transact } from './transact.js'

export { type Renewal, renewRegistryRows } from './registry-renew.js'

// Longer than any node may be away and still be served from what changed.
const DEFAULT_TOMBSTONE_TTL_MS = 24 * 60 * 60 * 1_000

/** Options of {@link kyselyRegistryStore}. */
export interface RegistryStoreOptions extends Omit<Patience, 'signal'> {
  /** Encrypts headers, certificates and environments at rest. @default they are kept as they are */
  readonly seal?: Seal | undefined
  /**
   * Signs rows, and knows its signatures again: an instance that starts a command or has secrets, and whose row does not
   * have one, comes back as `untrusted`; a command that checks health is left out. @default rows are not signed
   */
  readonly signer?: RowSigner | undefined
  /** Links the audit record of each change to this node's chain. @default records are written without a chain */
  readonly chain?: AuditChain | undefined
  /** How long deletions are remembered, in milliseconds; who is further behind loads everything. @default 24 h */
  readonly tombstoneTtlMs?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
}

/**
 * Keeps the registry in a database whose schema {@link migrate} has made. Several processes may share it.
 * The Kysely stays yours: nothing here closes it.
 */
export function kyselyRegistryStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  options: RegistryStoreOptions = {},
): RegistryStore {
  traitsOf(dialect)
  const guards = { seal: options.seal, signer: options.signer }
  const reading = { ...options, db, dialect, snapshot: true }
  return {
    load: () => transact(reading, (trx) => readState(trx, guards)),
    changesSince: async (version) => {
      // Asked each second and nearly always in vain: one row, no transaction.
      const current = await retrying(dialect, options, () => readVersion(db))
      if (current.version === version) return { version, full: false, operations: [] }
      return transact(reading, (trx) => readChanges(trx, version, guards))
    },
    commit: (diff, by) =>
      transact({ ...options, db, dialect }, (trx) => commitDiff(trx, diff, by, registryFacts(dialect, options))),
  }
}

/** What a commit of now needs, by the options of the store. */
export function registryFacts(dialect: DialectName, options: RegistryStoreOptions): CommitFacts {
  const { seal, signer, chain, now = Date.now, tombstoneTtlMs = DEFAULT_TOMBSTONE_TTL_MS } = options
  return { dialect, guards: { seal, signer }, chain, now: now(), tombstoneTtlMs }
}
