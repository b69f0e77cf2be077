import { join } from 'node:path'
import type { Registry, RegistryStore } from '@mcp-platform/core-registry'
import type { UnitOfWork } from '@mcp-platform/gateway-core'
import type { CircuitStore, StoredCircuit } from '@mcp-platform/health'
import { sweep } from '@mcp-platform/store-kysely/gateway'
import { Chore } from '../nodes/chore.js'
import { expirySweeps } from '../nodes/expiry-sweeps.js'
import { Membership } from '../nodes/membership.js'
import { newNodeId } from '../nodes/node-id.js'
import { type OpenStoresOptions, openStores, type Stores } from '../open-stores.js'
import { RegistrySnapshot, type SavedRegistry } from '../snapshot/registry-snapshot.js'
import { SealedFile } from '../snapshot/sealed-file.js'
import { SnapshotStore } from '../snapshot/snapshot-store.js'
import type { Teardown } from '../teardown.js'
import { isDatabaseFailure } from './failure.js'
import type { NodeDatabaseEvent } from './node-database-event.js'
import type { PoolOptions } from './pool-options.js'
import { lockSqlite } from './sqlite-lock.js'
import { databaseName, parseDatabaseUrl } from './url.js'
import { DatabaseWatch } from './watch.js'
import { WatchedStore } from './watched-store.js'

/** Options of {@link NodeDatabase.open}. */
export interface NodeDatabaseOptions {
  readonly database: string
  readonly schema: 'apply' | 'require'
  readonly pool: PoolOptions
  /** See {@link openStores}. */
  readonly seal: OpenStoresOptions['seal']
  readonly signer: OpenStoresOptions['signer']
  readonly chain: OpenStoresOptions['chain']
  /** Where the snapshot lies. */
  readonly stateDir: string
  /** Seal and open the snapshot; 32 bytes each, the one in use first. */
  readonly snapshotKeys: readonly [Uint8Array, ...Uint8Array[]]
  /** Version of the gateway, for the other nodes. */
  readonly version: string
  readonly onEvent: (event: NodeDatabaseEvent) => void
}

// A database that others share: the nodes must soon see who is gone. A file of our own: only to see whether it can be written.
const HEARTBEAT_MS = 5_000
const LONELY_HEARTBEAT_MS = 60_000
/** At a shutdown: for what is still to be written, also while the database answers slowly or not at all. */
const HURRY_MS = 3_000
const SWEEP_EVERY_MS = 10 * 60_000
const LEASE_OF_HEARTBEATS = 3

/** Everything by which one node works with its database, in good times and bad. */
export class NodeDatabase {
  /** Names this run of this node among those that share the database. */
  readonly nodeId: string
  readonly stores: Stores
  /** Told how the database does; everything that writes to it should go through here. */
  readonly watch: DatabaseWatch
  /** For the registry: begins with the snapshot when the database does not answer. */
  readonly registryStore: RegistryStore
  readonly membership: Membership
  readonly #snapshot: RegistrySnapshot | undefined

  private constructor(stores: Stores, snapshot: Snapshot, options: NodeDatabaseOptions) {
    const { onEvent } = options
    this.nodeId = newNodeId()
    this.stores = stores
    this.watch = new DatabaseWatch({
      onEvent: (event) => {
        if (event.type === 'database-lost') this.membership.wake()
        onEvent(event)
      },
    })
    this.#snapshot = snapshot.keeper
    const watched = new WatchedStore(stores.registry, this.watch)
    this.registryStore = new SnapshotStore(watched, snapshot.saved, ({ savedAt }, error) =>
      onEvent({ type: 'snapshot-used', savedAt, error }),
    )
    this.membership = membershipOf(this, options)
  }

  /**
   * Opens the database; what it acquires goes to the teardown at once. When it does not answer and there is a snapshot, it
   * goes on with that.
   * @throws GatewayConfigError, GatewayStartError as {@link openStores}, and DATABASE_IN_USE for a file another gateway has
   */
  static async open(options: NodeDatabaseOptions, teardown: Teardown): Promise<NodeDatabase> {
    const { database, schema, pool, seal, signer, chain, onEvent } = options
    const url = parseDatabaseUrl(database)
    if (url.kind === 'sqlite' && url.file !== ':memory:') teardown.defer('database lock', await lockSqlite(url.file))
    const snapshot = await openSnapshot(options)
    const whenDown = snapshot.saved === undefined ? 'fail' : 'wait'
    const stores = await openStores({ database, schema, pool, whenDown, seal, signer, chain })
    teardown.defer('database', () => stores.close())
    const warning = stores.warning()
    if (warning !== undefined) onEvent({ type: 'schema-newer', message: warning })
    return new NodeDatabase(stores, snapshot, options)
  }

  /** Circuits as they were saved; none while the database does not answer. */
  async loadCircuits(): Promise<readonly StoredCircuit[]> {
    try {
      return await this.circuits.load()
    } catch (error) {
      if (!isDatabaseFailure(error)) throw error
      return []
    }
  }

  get circuits(): CircuitStore {
    const { circuits } = this.stores
    return {
      load: () => this.watch.read(() => circuits.load()),
      save: (changes) => this.watch.write(() => circuits.save(changes)),
    }
  }

  /** Writes a change of the registry and one of users and keys as one. */
  get unit(): UnitOfWork {
    const { unit } = this.stores
    return { commit: (changes) => this.watch.write(() => unit.commit(changes)) }
  }

  /** From now on: snapshots after each change, heartbeats, and this node's share of what one does for all. */
  start(registry: Registry, teardown: Teardown): void {
    const snapshot = this.#snapshot
    if (snapshot !== undefined) {
      snapshot.follow(registry)
      teardown.defer('snapshot', () => snapshot.close())
    }
    this.membership.start()
    teardown.defer('membership', () => this.membership.close())
    teardown.defer('database work', () => this.stores.hurry(HURRY_MS))
  }
}

interface Snapshot {
  readonly keeper?: RegistrySnapshot | undefined
  readonly saved?: SavedRegistry | undefined
}

async function openSnapshot({ database, stateDir, snapshotKeys, onEvent }: NodeDatabaseOptions): Promise<Snapshot> {
  const url = parseDatabaseUrl(database)
  if (url.kind === 'sqlite' && url.file === ':memory:') return {}
  const file = new SealedFile({
    path: join(stateDir, 'snapshot'),
    keys: snapshotKeys,
    about: `registry|${databaseName(url)}`,
  })
  const keeper = new RegistrySnapshot({ file, onError: (error) => onEvent({ type: 'snapshot-failed', error }) })
  try {
    return { keeper, saved: await keeper.read() }
  } catch (error) {
    // Another database, or damaged: it is written anew as soon as the registry is known.
    onEvent({ type: 'snapshot-ignored', error })
    return { keeper }
  }
}

function membershipOf({ nodeId, stores, watch }: NodeDatabase, options: NodeDatabaseOptions): Membership {
  const { version, onEvent } = options
  const intervalMs = stores.dialect === 'sqlite' ? LONELY_HEARTBEAT_MS : HEARTBEAT_MS
  const retention = new Chore({
    name: 'retention',
    owner: nodeId,
    leases: stores.leases,
    ttlMs: intervalMs * LEASE_OF_HEARTBEATS,
    everyMs: SWEEP_EVERY_MS,
    work: (trx) => sweep(trx, stores.dialect),
    harmless: expirySweeps(stores, options.chain),
  })
  return new Membership({
    id: nodeId,
    details: { version, pid: process.pid },
    nodes: stores.nodes,
    watch,
    chores: [retention],
    intervalMs,
    onError: (error) => onEvent({ type: 'membership-failed', error }),
  })
}
