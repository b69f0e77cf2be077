import { auditEvent, type MasterKeyRing } from '@mcp-platform/auth'
import { Registry } from '@mcp-platform/core-registry'
import type { StoredCircuit } from '@mcp-platform/health'
import { kyselyKeyCheckStore } from '@mcp-platform/store-kysely/auth'
import type { EffectiveModes } from './config/effective.js'
import type { Settings } from './config/settings.js'
import type { Freshness } from './database/freshness.js'
import { NodeDatabase, type NodeDatabaseOptions } from './database/node-database.js'
import { describeDatabase } from './database/node-database-event.js'
import { poolOptions } from './database/pool-options.js'
import { ToldStore } from './database/told-store.js'
import type { EventHub } from './events/hub.js'
import { Identity } from './identity/identity.js'
import { KeyRenewal } from './identity/key-renewal.js'
import { type NodeKeys, openKeys, requireKeyOfDatabase } from './identity/keys-of-database.js'
import { RowGuards } from './identity/row-guards.js'
import { snapshotKeys } from './identity/snapshot-keys.js'
import { type GatewayLog, write } from './log/logger.js'
import { Observer } from './observer.js'
import { CircuitSaver } from './registry/circuit-saver.js'
import { auditUntrusted } from './registry/untrusted.js'
import { StateFolder } from './state/folder.js'
import type { Teardown } from './teardown.js'
import { version } from './version.js'

/** What {@link openNode} opens a node from. */
export interface NodeContext {
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly env: NodeJS.ProcessEnv
  readonly stateDir: string
  readonly log: GatewayLog
  readonly hub: EventHub
  readonly freshness: Freshness
  /** Gets whatever is opened, at once. */
  readonly teardown: Teardown
}

/** What a node knows and keeps, whether or not it serves anybody. */
export interface OpenNode {
  readonly folder: StateFolder
  /** Those that hold for this database: without one whose time is over. */
  readonly masterKeys: MasterKeyRing
  readonly observer: Observer
  readonly registry: Registry
  readonly database: NodeDatabase
  readonly circuits: readonly StoredCircuit[]
  readonly identity: Identity
}

interface OpenRegistry extends Pick<OpenNode, 'masterKeys' | 'observer' | 'registry' | 'database' | 'circuits'> {
  readonly store: ToldStore
  readonly guards: RowGuards
}

/**
 * Opens what a node knows and keeps: state folder, keys, database, registry, users. The database is followed from then on.
 * @throws GatewayStartError, GatewayConfigError; what was opened by then is with the teardown
 */
export async function openNode(context: NodeContext): Promise<OpenNode> {
  const { env, stateDir, modes, freshness, teardown } = context
  const folder = await StateFolder.open(stateDir)
  teardown.defer('state folder', () => folder.close())
  const given = await openKeys({ env, stateDir, database: modes.database })
  const { store, guards, ...opened } = await openRegistry(context, given)
  const { masterKeys, registry, observer, database, circuits } = opened
  const keys = { ...given, masterKeys }
  const identity = await openIdentity(context, { folder, keys, database, observer })
  await openRenewal(context, { identity, database, masterKeys, guards })
  store.onLook = (looked) => {
    freshness.confirm()
    identity.looked(looked)
  }
  teardown.defer('alarms', auditUntrusted(registry, identity.audit.record))
  return { folder, masterKeys, observer, registry, database, circuits, identity }
}

async function openRegistry(context: NodeContext, { masterKeys, chain }: NodeKeys): Promise<OpenRegistry> {
  const { hub, teardown, log } = context
  const guards = new RowGuards(masterKeys)
  const database = await openDatabase(context, { masterKeys, chain, guards })
  const { kysely, dialect } = database.stores
  const held = await requireKeyOfDatabase(masterKeys, kyselyKeyCheckStore(kysely, dialect))
  guards.use(held)
  const saver = new CircuitSaver(database.circuits, (err) =>
    log.log.warn({ err }, 'circuits could not be saved; trying again'),
  )
  teardown.defer('circuits', () => saver.close())
  const observer = new Observer(log.log, hub, saver)
  const store = new ToldStore(database.registryStore)
  const registry = new Registry({ store, onEvent: observer.registry })
  await registry.load()
  database.start(registry, teardown)
  const circuits = await database.loadCircuits()
  return { observer, registry, store, database, circuits, masterKeys: held, guards }
}

function openDatabase(
  { settings, modes, stateDir, log, teardown }: NodeContext,
  { masterKeys, chain, guards }: NodeKeys & { readonly guards: RowGuards },
): Promise<NodeDatabase> {
  const options: NodeDatabaseOptions = {
    database: modes.database,
    schema: settings.migrate ? 'apply' : 'require',
    pool: poolOptions(settings),
    seal: guards.seal,
    signer: guards.signer,
    chain,
    snapshotKeys: snapshotKeys(masterKeys),
    stateDir,
    version,
    onEvent: (event) => write(log.log, describeDatabase(event)),
  }
  return NodeDatabase.open(options, teardown)
}

async function openIdentity(
  { settings, modes, stateDir, env, teardown }: NodeContext,
  {
    folder,
    keys,
    database,
    observer,
  }: Pick<OpenNode, 'folder' | 'database' | 'observer'> & { readonly keys: NodeKeys },
): Promise<Identity> {
  const identity = await Identity.open({
    settings,
    modes,
    stateDir,
    adminToken: folder.adminToken,
    keys,
    stores: database.stores,
    watch: database.watch,
    nodes: () => database.membership.count,
    onEvent: observer.identity,
  })
  teardown.defer('identity', () => identity.close())
  await identity.makeFirstAdmin(env)
  await identity.start()
  return identity
}

// After a change of the master key: what was written under the one before.
async function openRenewal(
  { log: { log }, teardown }: NodeContext,
  parts: Pick<OpenNode, 'identity' | 'database' | 'masterKeys'> & { readonly guards: RowGuards },
): Promise<void> {
  const { identity, database, masterKeys, guards } = parts
  const renewal = new KeyRenewal({
    masterKeys,
    guards,
    stores: database.stores,
    isUp: () => database.watch.state === 'ok' && database.stores.isUp(),
    onRenewed: (rows) => {
      const details = { rows, key: masterKeys.current.id }
      log.info(details, 'what was kept under another master key is kept under the one in use')
      identity.audit.record(auditEvent({ at: new Date(), actor: 'gateway', action: 'master-key.renew', details }))
    },
    onError: (err) => log.warn({ err }, 'what is kept under another master key could not be renewed; trying again'),
  })
  teardown.defer('master key', () => renewal.close())
  await renewal.start()
}
