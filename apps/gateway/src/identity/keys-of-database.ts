import {
  AuditChain,
  checkMasterKey,
  type KeyCheckStore,
  MasterKeyMismatchError,
  type MasterKeyRing,
} from '@mcp-platform/auth'
import { isDatabaseFailure } from '../database/failure.js'
import { parseDatabaseUrl } from '../database/url.js'
import { GatewayStartError } from '../errors.js'
import { loadMasterKeys } from './master-key.js'
import { auditNodeName } from './node-name.js'

/** What must be known before the database is opened. */
export interface NodeKeys {
  readonly masterKeys: MasterKeyRing
  /** Links the audit records of this node. */
  readonly chain: AuditChain
}

/** Reads or makes the master key and the name of this node's audit chain. @throws GatewayStartError MASTER_KEY */
export async function openKeys(options: {
  readonly env: NodeJS.ProcessEnv
  readonly stateDir: string
  readonly database: string
}): Promise<NodeKeys> {
  const { env, stateDir, database } = options
  const isLocalDatabase = parseDatabaseUrl(database).kind === 'sqlite'
  const masterKeys = await loadMasterKeys({ env, stateDir, isLocalDatabase })
  const chain = new AuditChain({ node: await auditNodeName(stateDir), keys: masterKeys.derive('audit-chain') })
  return { masterKeys, chain }
}

/**
 * Makes sure that the database belongs to our master key. A database that does not answer cannot be asked: then the
 * snapshot could be opened, which another key does not do.
 * @returns the keys without one that was replaced 30 days ago or more
 * @throws GatewayStartError MASTER_KEY
 */
export async function requireKeyOfDatabase(
  masterKeys: MasterKeyRing,
  store: KeyCheckStore,
  now?: (() => number) | undefined,
): Promise<MasterKeyRing> {
  try {
    return await checkMasterKey(masterKeys, store, { now })
  } catch (error) {
    if (isDatabaseFailure(error)) return masterKeys
    if (!(error instanceof MasterKeyMismatchError)) throw error
    throw new GatewayStartError('MASTER_KEY', error.message, error)
  }
}
