import { createRequire } from 'node:module'
import { join } from 'node:path'
import { auditEvent, type DerivedKeys, type MasterKeyRing } from '@mcp-platform/auth'
import { Registry } from '@mcp-platform/core-registry'
import type { Gateway } from '@mcp-platform/gateway-core'
import type { StoredCircuit } from '@mcp-platform/health'
import { ChildRunFile } from '@mcp-platform/mcp-upstream'
import { kyselyKeyCheckStore } from '@mcp-platform/store-kysely/auth'
import { buildGateway } from './build-gateway.js'
import { type EffectiveModes, effectiveModes, startWarnings } from './config/effective.js'
import { readLaunchProfiles } from './config/launch-profiles.js'
import { type LoadedConfig, loadConfig } from './config/load.js'
import type { Settings } from './config/settings.js'
import { Freshness } from './database/freshness.js'
import { NodeDatabase } from './database/node-database.js'
import { describeDatabase } from './database/node-database-event.js'
import { poolOptions } from './database/pool-options.js'
import { ToldStore } from './database/told-store.js'
import { EventHub } from './events/hub.js'
import { createApp } from './http/app.js'
import { type Listeners, mcpListener, openListeners } from './http/listeners.js'
import type { Services } from './http/services.js'
import { Identity } from './identity/identity.js'
import { KeyRenewal } from './identity/key-renewal.js'
import { type NodeKeys, openKeys, requireKeyOfDatabase } from './identity/keys-of-database.js'
import { RowGuards } from './identity/row-guards.js'
import { snapshotKeys } from './identity/snapshot-keys.js'
import { createLog, type GatewayLog, type LogSink, write } from './log/logger.js'
import { ONLY_PROCESS } from './nodes/home-name.js'
import { describeHop } from './nodes/hop-event.js'
import { memberPeers } from './nodes/member-peers.js'
import type { Membership } from './nodes/membership.js'
import { NodeHops } from './nodes/node-hops.js'
import { nodeUrlOf } from './nodes/node-url.js'
import { NO_PEERS } from './nodes/peers.js'
import { Observer } from './observer.js'
import { Readiness } from './readiness.js'
import { CircuitSaver } from './registry/circuit-saver.js'
import { RegistrySync } from './registry/sync.js'
import { auditUntrusted } from './registry/untrusted.js'
import { Shutdown } from './shutdown.js'
import { StateFolder, stateFolder } from './state/folder.js'
import { Teardown } from './teardown.js'
import { ControlPlane } from './workers/control-plane.js'

/** What {@link startGateway} is given; all of it is optional. */
export interface StartOptions {
  /** Settings by name, as `health-interval` or `healthInterval`. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** JSON or YAML. @default `MCP_GATEWAY_CONFIG`, else none */
  readonly configFile?: string | undefined
  /** Stops the gateway, as `close()` does. */
  readonly signal?: AbortSignal | undefined
  /** Takes the log lines (JSON). @default the standard error stream */
  readonly logSink?: LogSink | undefined
}

/** A gateway that runs. */
export interface StartedGateway {
  /** Where it answers on this machine. */
  readonly url: string
  readonly docsUrl: string
  /** Management, when it has a listener of its own; else the same as `url`. */
  readonly adminUrl: string
  readonly stateDir: string
  /** Holds the credential for changes; mode 0600. */
  readonly adminTokenFile: string
  readonly authEnabled: boolean
  /** What the operator should know; one sentence each. */
  readonly warnings: readonly string[]
  /** Drains and stops; a second call skips ahead. Resolves when everything is released. */
  close(): Promise<void>
  /** Resolves when the gateway has stopped, for whatever reason. */
  readonly closed: Promise<void>
}

/** The version of this package. */
export const version: string = readVersion()

/**
 * Starts a gateway: configuration, state folder, database, registry, listeners, and every instance probed once.
 * Handles no signals of the process: the caller turns them into `close()`.
 * @throws GatewayConfigError, GatewayStartError; nothing is left behind then
 */
export async function startGateway(options: StartOptions = {}): Promise<StartedGateway> {
  const env = options.env ?? process.env
  const config = await loadConfig({ flags: options.flags, env, configFile: options.configFile })
  const teardown = new Teardown()
  try {
    return await new Start(config, env, options, teardown).run()
  } catch (error) {
    await teardown.run(() => undefined)
    throw error
  }
}

/** The composition root, step by step. Every step hands what it acquired to the teardown at once. */
class Start {
  readonly #settings: Settings
  readonly #config: LoadedConfig
  readonly #env: NodeJS.ProcessEnv
  readonly #options: StartOptions
  readonly #teardown: Teardown
  readonly #stateDir: string
  readonly #modes: EffectiveModes
  readonly #freshness: Freshness
  readonly #readiness: Readiness
  readonly #hub = new EventHub()

  constructor(config: LoadedConfig, env: NodeJS.ProcessEnv, options: StartOptions, teardown: Teardown) {
    this.#config = config
    this.#settings = config.settings
    this.#env = env
    const { region, maxStale } = config.settings
    this.#freshness = new Freshness({ region, maxStaleMs: maxStale * 1_000 })
    this.#readiness = new Readiness(this.#freshness.reason)
    this.#options = options
    this.#teardown = teardown
    this.#stateDir = config.settings.stateDir ?? stateFolder(env)
    this.#modes = effectiveModes(config.settings, { stateDir: this.#stateDir, terminal: process.stderr.isTTY === true })
  }

  async run(): Promise<StartedGateway> {
    const log = this.#openLog()
    const profiles = await readLaunchProfiles(this.#settings.launchProfiles)
    const folder = await this.#openFolder()
    const given = await openKeys({ env: this.#env, stateDir: this.#stateDir, database: this.#modes.database })
    const { observer, registry, store, database, circuits, masterKeys, guards } = await this.#openRegistry(log, given)
    const keys = { ...given, masterKeys }
    const identity = await this.#openIdentity({ folder, keys, database, observer })
    await this.#openRenewal({ log, identity, database, masterKeys, guards })
    store.onLook = (version) => {
      this.#freshness.confirm()
      identity.looked(version)
    }
    this.#teardown.defer('alarms', auditUntrusted(registry, identity.audit.record))
    const { door, reporter } = identity
    const hopKeys = keys.masterKeys.derive('hop-hmac')
    const hops = this.#openHops(log, database, hopKeys)
    const { membership } = database
    const workers = await this.#openWorkers({ log, identity, observer, registry, circuits, membership, hopKeys })
    const { gateway, connections } = buildGateway({
      sealingKeys: identity.sealingKeys,
      home: hops.home,
      hop: hops.hop,
      checkForwarded: hops.checkForwarded,
      ...workers?.parts,
      settings: this.#settings,
      modes: this.#modes,
      registry,
      profiles,
      circuits,
      door,
      reporter,
      observer,
      database: () => database.watch.state,
      version,
      children: await this.#sweepChildren(log),
    })
    const sync = new RegistrySync({
      registry,
      file: this.#settings.registryFile,
      env: this.#env,
      onEvent: observer.sync,
    })
    const services: Services = {
      gateway,
      registry,
      sync,
      connections,
      version,
      events: this.#hub,
      authenticate: door.authenticate,
      identity,
      authEnabled: this.#modes.auth,
      stdio: { stdioMode: this.#modes.stdioMode, profiles },
      addressOf: door.addressOf,
      countAll: async () => workers?.count(),
      notReady: this.#readiness.reason,
    }
    const listeners = await this.#listen({ gateway, services, observer, workers, hops })
    const announced = (): Promise<void> => this.#announceNode(database, listeners)
    await this.#startServing({ gateway, sync, registry, workers, announced })
    return this.#announce({ log, folder, gateway, listeners, workers, hops })
  }

  #openLog(): GatewayLog {
    const { logLevel: level } = this.#settings
    const log = createLog({ level, format: this.#modes.logFormat, sink: this.#options.logSink })
    this.#teardown.defer('log', log.flush)
    return log
  }

  async #openFolder(): Promise<StateFolder> {
    const folder = await StateFolder.open(this.#stateDir)
    this.#teardown.defer('state folder', () => folder.close())
    return folder
  }

  async #openRegistry({ log }: GatewayLog, { masterKeys, chain }: NodeKeys) {
    const guards = new RowGuards(masterKeys)
    const database = await NodeDatabase.open(
      {
        database: this.#modes.database,
        schema: this.#settings.migrate ? 'apply' : 'require',
        pool: poolOptions(this.#settings),
        seal: guards.seal,
        signer: guards.signer,
        chain,
        snapshotKeys: snapshotKeys(masterKeys),
        stateDir: this.#stateDir,
        version,
        onEvent: (event) => write(log, describeDatabase(event)),
      },
      this.#teardown,
    )
    const { kysely, dialect } = database.stores
    const held = await requireKeyOfDatabase(masterKeys, kyselyKeyCheckStore(kysely, dialect))
    guards.use(held)
    const saver = new CircuitSaver(database.circuits, (err) =>
      log.warn({ err }, 'circuits could not be saved; trying again'),
    )
    this.#teardown.defer('circuits', () => saver.close())
    const observer = new Observer(log, this.#hub, saver)
    const store = new ToldStore(database.registryStore)
    const registry = new Registry({ store, onEvent: observer.registry })
    await registry.load()
    database.start(registry, this.#teardown)
    const circuits = await database.loadCircuits()
    return { observer, registry, store, database, circuits, masterKeys: held, guards }
  }

  // After a change of the master key: what was written under the one before.
  async #openRenewal(parts: {
    log: GatewayLog
    identity: Identity
    database: NodeDatabase
    masterKeys: MasterKeyRing
    guards: RowGuards
  }): Promise<void> {
    const { log, identity, database, masterKeys, guards } = parts
    const renewal = new KeyRenewal({
      masterKeys,
      guards,
      stores: database.stores,
      isUp: () => database.watch.state === 'ok' && database.stores.isUp(),
      onRenewed: (rows) => {
        const details = { rows, key: masterKeys.current.id }
        log.log.info(details, 'what was kept under another master key is kept under the one in use')
        identity.audit.record(auditEvent({ at: new Date(), actor: 'gateway', action: 'master-key.renew', details }))
      },
      onError: (err) =>
        log.log.warn({ err }, 'what is kept under another master key could not be renewed; trying again'),
    })
    this.#teardown.defer('master key', () => renewal.close())
    await renewal.start()
  }

  async #openIdentity(parts: {
    folder: StateFolder
    keys: NodeKeys
    database: NodeDatabase
    observer: Observer
  }): Promise<Identity> {
    const { folder, keys, database, observer } = parts
    const identity = await Identity.open({
      settings: this.#settings,
      modes: this.#modes,
      stateDir: this.#stateDir,
      adminToken: folder.adminToken,
      keys,
      stores: database.stores,
      watch: database.watch,
      nodes: () => database.membership.count,
      onEvent: observer.identity,
    })
    this.#teardown.defer('identity', () => identity.close())
    await identity.makeFirstAdmin(this.#env)
    await identity.start()
    return identity
  }

  #openHops({ log }: GatewayLog, { membership, stores }: NodeDatabase, keys: DerivedKeys): NodeHops {
    const hops = new NodeHops({
      own: { node: membership.id, process: ONLY_PROCESS },
      keys,
      peers: stores.dialect === 'sqlite' ? NO_PEERS : memberPeers(membership),
      onEvent: (event) => write(log, describeHop(event)),
    })
    const unfollow = membership.follow((live) => hops.keep(live))
    this.#teardown.defer('messages between nodes', () => {
      unfollow()
      hops.close()
    })
    return hops
  }

  // A database file belongs to one node: there is nobody to tell.
  async #announceNode({ membership, stores }: NodeDatabase, { url }: Listeners): Promise<void> {
    if (stores.dialect !== 'sqlite') await membership.announce({ url: nodeUrlOf(this.#settings, url) })
  }

  // No orphan after a `kill -9`: what the last run left behind is ended before anything new is started.
  async #sweepChildren({ log }: GatewayLog): Promise<ChildRunFile> {
    const onError = (err: unknown): void => log.warn({ err }, 'child processes cannot be remembered')
    const children = new ChildRunFile({ path: join(this.#stateDir, 'children.json'), onError })
    const ended = await children.sweep()
    if (ended > 0) log.warn({ ended }, 'child processes of the last run were ended')
    return children
  }

  // Forked early: workers load their program while the primary gets ready.
  async #openWorkers(parts: {
    log: GatewayLog
    identity: Identity
    observer: Observer
    registry: Registry
    circuits: readonly StoredCircuit[]
    membership: Membership
    hopKeys: DerivedKeys
  }): Promise<ControlPlane | undefined> {
    if (this.#settings.workers === 1) return undefined
    const workers = await ControlPlane.open({
      ...parts,
      settings: this.#settings,
      modes: this.#modes,
      stateDir: this.#stateDir,
      version,
    })
    this.#teardown.defer('workers', () => workers.close())
    return workers
  }

  async #listen(parts: {
    gateway: Gateway
    services: Services
    observer: Observer
    workers: ControlPlane | undefined
    hops: NodeHops
  }): Promise<Listeners> {
    const { gateway, services, observer, workers, hops } = parts
    const app = createApp(services, observer.app)
    const readiness = this.#readiness
    const listeners = await (workers?.listen({ gateway, readiness, app }) ??
      openListeners({
        settings: this.#settings,
        readiness,
        mcp: mcpListener(gateway, readiness, services.identity.door.follow),
        rest: app,
        hops: hops.door(gateway, services.identity.door.follow),
      }))
    this.#teardown.defer('listeners', () => listeners.cut())
    return listeners
  }

  async #startServing(parts: {
    gateway: Gateway
    sync: RegistrySync
    registry: Registry
    workers: ControlPlane | undefined
    announced: () => Promise<void>
  }): Promise<void> {
    const { gateway, sync, registry, workers, announced } = parts
    this.#teardown.defer('gateway', () => gateway.close({ graceMs: 0 }))
    this.#teardown.defer('registry sources', () => sync.close())
    if (this.#settings.sync) await sync.start()
    await gateway.start()
    const polling = new AbortController()
    const polled = registry.poll({ signal: polling.signal })
    this.#teardown.defer('registry', async () => {
      polling.abort()
      await polled
    })
    // A session of ours may come by another node from its first moment on.
    await announced()
    await workers?.start()
    this.#readiness.serve()
  }

  async #announce(parts: {
    log: GatewayLog
    folder: StateFolder
    gateway: Gateway
    listeners: Listeners
    workers: ControlPlane | undefined
    hops: NodeHops
  }): Promise<StartedGateway> {
    const { log, folder, gateway, listeners, workers, hops } = parts
    const { url, adminUrl } = listeners
    const shutdown = new Shutdown({
      readiness: this.#readiness,
      hub: this.#hub,
      gateway,
      workers,
      hops,
      listeners,
      teardown: this.#teardown,
      drainDelayMs: this.#settings.drainDelay * 1_000,
      log: log.log,
    })
    await folder.announce({
      url,
      pid: process.pid,
      version,
      started_at: new Date().toISOString(),
      admin_token_file: folder.adminTokenFile,
      ...(adminUrl === url ? {} : { admin_url: adminUrl }),
    })
    shutdown.follow(this.#options.signal)
    const warnings = [...this.#config.warnings, ...startWarnings(this.#settings, this.#modes)]
    for (const warning of warnings) log.log.warn(warning)
    log.log.info({ url, adminUrl, version, stateDir: this.#stateDir, auth: this.#modes.auth }, 'gateway is ready')
    return {
      url,
      adminUrl,
      docsUrl: `${adminUrl}/docs`,
      stateDir: this.#stateDir,
      adminTokenFile: folder.adminTokenFile,
      authEnabled: this.#modes.auth,
      warnings,
      close: () => shutdown.close(),
      closed: shutdown.closed,
    }
  }
}

function readVersion(): string {
  const manifest: { readonly version: string } = createRequire(import.meta.url)('../package.json')
  return manifest.version
}
