import { join } from 'node:path'
import type { DerivedKeys } from '@mcp-platform/auth'
import type { LaunchProfiles, Registry } from '@mcp-platform/core-registry'
import { type Gateway, watchTemplate } from '@mcp-platform/gateway-core'
import { ChildRunFile } from '@mcp-platform/mcp-upstream'
import { buildGateway } from './build-gateway.js'
import { type EffectiveModes, effectiveModes, startWarnings } from './config/effective.js'
import { readLaunchProfiles } from './config/launch-profiles.js'
import { type LoadedConfig, loadConfig } from './config/load.js'
import type { Settings } from './config/settings.js'
import { Freshness } from './database/freshness.js'
import type { NodeDatabase } from './database/node-database.js'
import { EventHub } from './events/hub.js'
import { createApp } from './http/app.js'
import { type Listeners, mcpListener, openListeners } from './http/listeners.js'
import type { Services } from './http/services.js'
import { createLog, type GatewayLog, write } from './log/logger.js'
import { ONLY_PROCESS } from './nodes/home-name.js'
import { describeHop } from './nodes/hop-event.js'
import { memberPeers } from './nodes/member-peers.js'
import { NodeHops } from './nodes/node-hops.js'
import { nodeUrlOf } from './nodes/node-url.js'
import { NO_PEERS } from './nodes/peers.js'
import { probeDuty } from './nodes/probe-duty.js'
import type { Observer } from './observer.js'
import { type OpenNode, openNode } from './open-node.js'
import { Readiness } from './readiness.js'
import { RegistrySync } from './registry/sync.js'
import { gatewayReport } from './report/gateway-report.js'
import { Shutdown } from './shutdown.js'
import type { StartedGateway, StartOptions } from './start-options.js'
import { type StateFolder, stateFolder } from './state/folder.js'
import { Teardown } from './teardown.js'
import { version } from './version.js'
import { STAYED_COLD, warmUp } from './warm-up/warm-up.js'
import { ControlPlane } from './workers/control-plane.js'

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

interface Parts {
  readonly node: OpenNode
  readonly profiles: LaunchProfiles
  readonly hops: NodeHops
  readonly workers: ControlPlane | undefined
}

type BuiltGateway = ReturnType<typeof buildGateway>

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
    const node = await openNode({
      settings: this.#settings,
      modes: this.#modes,
      env: this.#env,
      stateDir: this.#stateDir,
      log,
      hub: this.#hub,
      freshness: this.#freshness,
      teardown: this.#teardown,
    })
    const { registry, observer, database, folder } = node
    const hopKeys = node.masterKeys.derive('hop-hmac')
    const hops = this.#openHops(log, database, hopKeys)
    const workers = await this.#openWorkers(log, node, hopKeys)
    const parts = { node, profiles, hops, workers }
    const built = this.#buildGateway(parts, await this.#sweepChildren(log))
    const sync = this.#makeSync(node)
    const services = this.#makeServices(parts, { ...built, sync })
    const { gateway } = built
    const listeners = await this.#listen({ gateway, services, observer, workers, hops })
    const announced = (): Promise<void> => this.#announceNode(database, listeners)
    await this.#startServing({ log, gateway, sync, registry, workers, announced })
    return this.#announce({ log, folder, gateway, listeners, workers, hops })
  }

  #buildGateway({ node, profiles, hops, workers }: Parts, children: ChildRunFile): BuiltGateway {
    const { registry, observer, circuits, database, identity } = node
    const { door, reporter, sealingKeys } = identity
    return buildGateway({
      sealingKeys,
      home: hops.home,
      hop: hops.hop,
      checkForwarded: hops.checkForwarded,
      // With workers it is they who use the instances: their primary probes everything.
      watch: (options) => watchTemplate({ ...options, shouldProbe: probeDuty(database.membership) }),
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
      children,
    })
  }

  #makeSync({ registry, observer }: OpenNode): RegistrySync {
    return new RegistrySync({ registry, file: this.#settings.registryFile, env: this.#env, onEvent: observer.sync })
  }

  #makeServices({ node, profiles, workers }: Parts, made: BuiltGateway & { readonly sync: RegistrySync }): Services {
    const { registry, identity, database, masterKeys } = node
    const notReady = this.#readiness.reason
    const [settings, modes, { audit }] = [this.#settings, this.#modes, identity]
    return {
      ...made,
      registry,
      unit: database.unit,
      version,
      events: this.#hub,
      authenticate: identity.door.authenticate,
      identity,
      authEnabled: this.#modes.auth,
      stdio: { stdioMode: this.#modes.stdioMode, profiles },
      addressOf: identity.door.addressOf,
      countAll: async () => workers?.count(),
      report: () => gatewayReport({ version, settings, modes, database, audit, masterKeys, notReady }),
      notReady,
    }
  }

  #openLog(): GatewayLog {
    const { logLevel: level } = this.#settings
    const log = createLog({ level, format: this.#modes.logFormat, sink: this.#options.logSink })
    this.#teardown.defer('log', log.flush)
    return log
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
  async #openWorkers(log: GatewayLog, node: OpenNode, hopKeys: DerivedKeys): Promise<ControlPlane | undefined> {
    if (this.#settings.workers === 1) return undefined
    const { identity, observer, registry, circuits, database } = node
    const workers = await ControlPlane.open({
      log,
      identity,
      observer,
      registry,
      circuits,
      membership: database.membership,
      hopKeys,
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
    log: GatewayLog
    gateway: Gateway
    sync: RegistrySync
    registry: Registry
    workers: ControlPlane | undefined
    announced: () => Promise<void>
  }): Promise<void> {
    const { log, gateway, sync, registry, workers, announced } = parts
    this.#teardown.defer('gateway', () => gateway.close({ graceMs: 0 }))
    this.#teardown.defer('registry sources', () => sync.close())
    if (this.#settings.sync) await sync.start()
    await Promise.all([gateway.start(), workers ? undefined : this.#warmUp(log)])
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

  // With workers it is they who serve calls.
  #warmUp({ log }: GatewayLog): Promise<number> {
    return warmUp({
      maxMs: this.#settings.warmUp * 1_000,
      signal: this.#options.signal,
      onError: (err) => log.warn({ err }, STAYED_COLD),
    })
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
