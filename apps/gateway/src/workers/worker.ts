import { once } from 'node:events'
import { connect } from 'node:net'
import { Registry, type RegistryChanges } from '@mcp-platform/core-registry'
import type { Gateway, HopExchange } from '@mcp-platform/gateway-core'
import { RemoteConnections } from '@mcp-platform/mcp-upstream'
import { buildGateway } from '../build-gateway.js'
import { Freshness } from '../database/freshness.js'
import { adoptPeer } from '../http/peer.js'
import { requestIdOf } from '../http/request-id.js'
import type { Listener } from '../http/server.js'
import type { IdentityCopy } from '../identity/identity-copy.js'
import { WorkerIdentity } from '../identity/worker-identity.js'
import { createLog } from '../log/logger.js'
import { FollowedPeers } from '../nodes/followed-peers.js'
import type { HopDoor } from '../nodes/hop-door.js'
import { NodeHops } from '../nodes/node-hops.js'
import { outcomeUnknown } from '../nodes/peer-pipes.js'
import type { Peer } from '../nodes/peers.js'
import { Readiness } from '../readiness.js'
import type { Connections } from '../upstream/connections.js'
import { warmUp } from '../warm-up/warm-up.js'
import { CountsFeed } from './counts-feed.js'
import { FollowingHealth } from './following-health.js'
import type { Link } from './link.js'
import { connectionName } from './loans.js'
import { type LocalServer, serveLocally } from './local-server.js'
import { LogBatch } from './log-batch.js'
import { PipeBrokenError, Pipes } from './pipe.js'
import { ADOPTS_HEADER } from './pipe-through.js'
import type { InstanceName, PrimaryMethods, WorkerConfig, WorkerMethods, WorkerState } from './protocol.js'
import { ReplicaStore } from './replica-store.js'
import { connectionsSocket, controlSocket, homeSocket } from './sockets.js'
import { openWorkerListener } from './worker-listener.js'
import { WorkerObserver } from './worker-observer.js'

interface WorkerParts {
  readonly config: WorkerConfig
  readonly primary: Link<PrimaryMethods, WorkerMethods>
  readonly state: WorkerState
  readonly remote: RemoteConnections
  readonly identity: WorkerIdentity
  readonly observer: WorkerObserver
}

/** The data plane in one process: serves MCP traffic with what the primary tells it, step by step as it is asked. */
export class Worker {
  readonly #config: WorkerConfig
  readonly #primary: Link<PrimaryMethods, WorkerMethods>
  readonly #pipes = new Pipes()
  readonly #freshness: Freshness
  readonly #readiness: Readiness
  readonly #hurry = new AbortController()
  readonly #store = new ReplicaStore()
  readonly #registry = new Registry({ store: this.#store })
  readonly #observer: WorkerObserver
  readonly #identity: WorkerIdentity
  readonly #healths = new Map<string, FollowingHealth>()
  readonly #remote: RemoteConnections
  readonly #state: WorkerState
  readonly #gateway: Gateway
  readonly #connections: Connections
  readonly #counts: CountsFeed
  readonly #peers: FollowedPeers
  readonly #hops: NodeHops
  readonly #hopDoor: HopDoor
  #homes: ReadonlySet<string>
  #listener: Listener | undefined
  #sessions: LocalServer | undefined

  private constructor(parts: WorkerParts) {
    const { config, primary, state, remote, identity, observer } = parts
    this.#identity = identity
    this.#config = config
    this.#primary = primary
    this.#state = state
    this.#remote = remote
    this.#homes = new Set(state.homes)
    const { region, maxStale } = config.settings
    this.#freshness = new Freshness({ region, maxStaleMs: maxStale * 1_000 })
    this.#readiness = new Readiness(this.#freshness.reason)
    this.#observer = observer
    this.#peers = new FollowedPeers(state.peers, (node) => primary.ask('findPeer', { node }))
    this.#hops = new NodeHops({
      own: { node: config.node, process: config.home },
      keys: config.hopKeys,
      peers: this.#peers,
      processes: () => this.#homes,
      toProcess: (process, exchange, { adopts }) => this.#toProcess(process, exchange, adopts),
      onEvent: observer.hop,
    })
    const built = this.#build()
    this.#gateway = built.gateway
    this.#connections = built.connections
    this.#hopDoor = this.#hops.door(this.#gateway, identity.door.follow)
    this.#counts = new CountsFeed(this.#gateway, (counts) => primary.tell('counts', counts))
  }

  /** Connects to the primary's child processes. */
  static async open(
    config: WorkerConfig,
    primary: Link<PrimaryMethods, WorkerMethods>,
    state: WorkerState,
  ): Promise<Worker> {
    const socket = connect(connectionsSocket(config.sockets))
    await once(socket, 'connect')
    const { settings, modes, secrets } = config
    const sink = new LogBatch((lines) => primary.tell('log', lines))
    const { log } = createLog({ level: settings.logLevel, format: 'json', sink })
    const observer = new WorkerObserver(log, (step) => primary.tell('circuit', step))
    const identity = await WorkerIdentity.open(
      {
        settings,
        modes,
        secrets,
        primary: {
          denied: (denial) => primary.tell('denied', denial),
          call: (event) => primary.tell('called', event),
          keyUsed: (use) => primary.tell('keyUsed', use),
          keyRehashed: (use) => primary.tell('keyRehashed', use),
        },
        onEvent: observer.identity,
      },
      state.identity,
    )
    const remote = new RemoteConnections(socket)
    const worker = new Worker({ config, primary, state, remote, identity, observer })
    await worker.#start()
    return worker
  }

  /** Resolves when the primary lends nothing any more: it is gone. */
  get lost(): Promise<void> {
    return this.#remote.closed
  }

  /** Binds the public address. */
  async listen(): Promise<void> {
    this.#listener = await openWorkerListener({
      settings: this.#config.settings,
      readiness: this.#readiness,
      gateway: this.#gateway,
      follow: this.#identity.door.follow,
      hops: this.#hopDoor,
      pipes: this.#pipes,
      controlSocket: controlSocket(this.#config.sockets),
    })
  }

  /** Takes over a change of the registry. */
  async change(changes: RegistryChanges): Promise<void> {
    this.#store.push(changes)
    await this.#registry.refresh()
    for (const name of this.#healths.keys()) if (!this.#registry.findTemplate(name)) this.#healths.delete(name)
  }

  takeIdentity(copy: IdentityCopy): Promise<void> {
    this.#freshness.confirm()
    return this.#identity.take(copy)
  }

  confirmIdentity(nodes: number): void {
    this.#freshness.confirm()
    this.#identity.confirm(nodes)
  }

  setHomes(homes: readonly string[]): void {
    this.#homes = new Set(homes)
  }

  setPeers(peers: readonly Peer[]): void {
    this.#peers.set(peers)
    this.#hops.keep(peers)
  }

  refresh({ template, id }: InstanceName): void {
    this.#healths.get(template)?.refresh(id)
  }

  async cut({ template, id }: InstanceName): Promise<void> {
    await this.#connections.cut(template, id)
  }

  forget({ template, id }: InstanceName): void {
    this.#connections.forget(template, id)
  }

  count(): void {
    this.#primary.tell('counts', this.#counts.take())
  }

  hurry(): void {
    this.#hurry.abort()
  }

  /** Accepts nothing new, lets what is under way end, and releases everything. */
  async drain(graceMs: number): Promise<void> {
    const until = performance.now() + graceMs
    this.#readiness.stop()
    const stopped = this.#listener?.stop()
    await this.#gateway.close({ graceMs, hurry: this.#hurry.signal })
    const left = Math.max(0, until - performance.now())
    await Promise.all([this.#pipes, this.#hops].map((pipes) => pipes.untilIdle(left, this.#hurry.signal)))
    this.#listener?.cut()
    this.#sessions?.cut()
    await stopped
    this.#counts.close()
    this.count()
    this.#pipes.close()
    this.#hops.close()
  }

  async #start(): Promise<void> {
    this.#store.push(this.#state.registry)
    await this.#registry.load()
    this.#sessions = await serveLocally(homeSocket(this.#config.sockets, this.#config.home), (request, response) => {
      const adopts = request.headers[ADOPTS_HEADER] !== undefined
      if (this.#hopDoor.isMeant(request)) return this.#hopDoor.handleInside(request, response, adopts)
      adoptPeer(request)
      this.#gateway.handleForwarded(request, response, requestIdOf(request), { adopts })
    })
    await Promise.all([this.#gateway.start(), this.#warmUp()])
    this.#readiness.serve()
  }

  #warmUp(): Promise<number> {
    return warmUp({
      maxMs: this.#config.settings.warmUp * 1_000,
      signal: this.#hurry.signal,
      onError: this.#observer.stayedCold,
    })
  }

  #build(): { readonly gateway: Gateway; readonly connections: Connections } {
    const { settings, modes, version, sealingKeys } = this.#config
    return buildGateway({
      settings,
      modes,
      registry: this.#registry,
      circuits: this.#state.circuits,
      door: this.#identity.door,
      reporter: this.#identity.reporter,
      observer: this.#observer,
      version,
      connectStdio: (instance) => this.#remote.connection(connectionName(instance)),
      processes: settings.workers,
      home: this.#hops.home,
      sealingKeys,
      hop: this.#hops.hop,
      checkForwarded: this.#hops.checkForwarded,
      watch: (options) => {
        const health = new FollowingHealth(options, (question) => this.#primary.ask('probe', question))
        this.#healths.set(options.template.name, health)
        return health.route
      },
    })
  }

  async #toProcess(process: string, exchange: HopExchange, adopts: boolean): Promise<boolean> {
    try {
      const socket = homeSocket(this.#config.sockets, process)
      return await this.#pipes.send(socket, exchange, adopts ? [ADOPTS_HEADER, '1'] : [])
    } catch (error) {
      if (!(error instanceof PipeBrokenError)) throw error
      // Another process may go on with the session.
      if (exchange.isSafe) return false
      throw outcomeUnknown(error)
    }
  }
}
