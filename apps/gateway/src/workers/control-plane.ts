import cluster from 'node:cluster'
import type { RequestListener } from 'node:http'
import type { DerivedKeys } from '@mcp-platform/auth'
import type { Registry } from '@mcp-platform/core-registry'
import { type Gateway, type RouteHealth, type WatchOptions, watchTemplate } from '@mcp-platform/gateway-core'
import type { StoredCircuit } from '@mcp-platform/health'
import type { SealingKey } from '@mcp-platform/mcp-bridge'
import { type GatewayParts, templateDefaults } from '../build-gateway.js'
import type { EffectiveModes } from '../config/effective.js'
import type { Settings } from '../config/settings.js'
import { GatewayStartError } from '../errors.js'
import { type Listeners, openAdminListener } from '../http/listeners.js'
import { adoptPeer } from '../http/peer.js'
import { requestIdOf } from '../http/request-id.js'
import { claimPort, urlOf } from '../http/server.js'
import type { Identity } from '../identity/identity.js'
import type { GatewayLog } from '../log/logger.js'
import { memberPeers, peersOf } from '../nodes/member-peers.js'
import type { Membership } from '../nodes/membership.js'
import type { Observer } from '../observer.js'
import type { Readiness } from '../readiness.js'
import { CircuitBoard } from './circuit-board.js'
import { CountsBook } from './counts-book.js'
import { Fleet } from './fleet.js'
import { LeadingHealth } from './leading-health.js'
import type { Handlers } from './link.js'
import { Loans } from './loans.js'
import { serveLocally } from './local-server.js'
import type { CircuitStep, PrimaryMethods } from './protocol.js'
import { changesBetween, wholeState } from './replica-store.js'
import { connectionsSocket, controlSocket, SocketFolder } from './sockets.js'

const NOT_PRIMARY = 'a process that is a worker of node:cluster itself cannot start workers; use --workers 1 there'

/** Options of {@link ControlPlane}. */
export interface ControlPlaneOptions {
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly stateDir: string
  readonly version: string
  readonly identity: Identity
  readonly registry: Registry
  readonly membership: Membership
  readonly hopKeys: DerivedKeys
  /** Circuits of the last run. */
  readonly circuits: readonly StoredCircuit[]
  readonly observer: Observer
  readonly log: GatewayLog
}

/**
 * What the primary does for its workers: keeps them in step with registry and health, lends them its child processes,
 * answers what is not MCP traffic, and adds up what they count.
 */
export class ControlPlane {
  readonly #options: ControlPlaneOptions
  readonly #settings: Settings
  readonly #sockets: SocketFolder
  readonly #sealingKeys: readonly SealingKey[]
  readonly #loans: Loans
  readonly #counts = new CountsBook()
  readonly #healths = new Map<string, LeadingHealth>()
  readonly #fleet: Fleet
  readonly #board: CircuitBoard
  #circuits: readonly StoredCircuit[]
  #ends: (() => void)[] = []

  private constructor(options: ControlPlaneOptions, sockets: SocketFolder, port: number) {
    this.#options = options
    this.#settings = { ...options.settings, port }
    this.#sockets = sockets
    this.#sealingKeys = options.identity.sealingKeys
    this.#circuits = options.circuits
    this.#loans = new Loans(templateDefaults(options.settings))
    this.#fleet = this.#makeFleet()
    this.#board = new CircuitBoard(() => this.#fleet.serving)
  }

  /** Starts the worker processes; they serve nothing yet. @throws GatewayStartError when the address is not to be had */
  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    if (!cluster.isPrimary) throw new GatewayStartError('WORKER_FAILED', NOT_PRIMARY)
    const { host, port } = options.settings
    const claimed = await claimPort(host, port)
    const plane = new ControlPlane(options, await SocketFolder.open(options.stateDir), claimed)
    plane.#fleet.fork()
    return plane
  }

  /** What the gateway of the primary is made with besides what it needs anyway. */
  get parts(): Pick<GatewayParts, 'home' | 'sealingKeys' | 'watch' | 'elsewhere' | 'share' | 'onConnectionEnd'> {
    return {
      home: 'primary',
      sealingKeys: this.#sealingKeys,
      watch: (options) => this.#watch(options),
      elsewhere: () => this.#counts.all(),
      share: (instance, settings, connection) => this.#loans.share(instance, settings, connection),
      onConnectionEnd: (how, template, id) => this.#fleet.tell(how === 'cut' ? 'cut' : 'forget', { template, id }),
    }
  }

  /** Opens what the workers reach the primary by, and the listener for management if it has one of its own. */
  async listen(parts: {
    readonly gateway: Gateway
    readonly readiness: Readiness
    readonly app: RequestListener
  }): Promise<Listeners> {
    const { gateway, readiness, app } = parts
    const { path } = this.#sockets
    await this.#loans.listen(connectionsSocket(path))
    const control = await serveLocally(controlSocket(path), (request, response) => {
      adoptPeer(request)
      if (request.url?.startsWith('/mcp/')) gateway.handle(request, response, requestIdOf(request))
      else app(request, response)
    })
    const admin = await openAdminListener({ settings: this.#settings, readiness, rest: app }).catch(
      (error: unknown) => {
        control.cut()
        throw error
      },
    )
    const { host, port, tlsCert } = this.#settings
    const url = urlOf({ host, port, isTls: tlsCert !== undefined })
    return {
      url,
      adminUrl: admin?.url ?? url,
      stop: async () => void (await Promise.all([control.stop(), admin?.stop()])),
      cut: () => {
        control.cut()
        admin?.cut()
      },
    }
  }

  /** Resolves when every worker serves. Call it when the gateway of the primary has started. @throws GatewayStartError */
  async start(): Promise<void> {
    const { registry } = this.#options
    const unsubscribe = registry.subscribe((state, previous) =>
      this.#fleet.tell('registry', changesBetween(previous, state)),
    )
    const { membership } = this.#options
    const untell = membership.follow((live) => this.#fleet.tell('peers', peersOf(live, membership.id)))
    this.#ends.push(unsubscribe, this.#loans.follow(registry), this.#tellIdentity(), untell)
    await this.#fleet.start()
    // A worker that comes later begins with the circuits of those that are there.
    this.#circuits = []
  }

  /** Brings the counters of all workers up to date; bounded. */
  count(): Promise<void> {
    return this.#fleet.count()
  }

  drain(options: { readonly graceMs: number; readonly hurry: AbortSignal }): Promise<void> {
    return this.#fleet.drain(options)
  }

  /** Ends what is left of the workers, and removes the sockets. */
  async close(): Promise<void> {
    for (const end of this.#ends) end()
    await this.#fleet.kill()
    await this.#loans.close()
    await this.#sockets.remove()
  }

  #tellIdentity(): () => void {
    const { identity } = this.#options
    let told = ''
    return identity.follow(() => {
      const copy = identity.copy()
      const mark = identity.mark
      if (mark === told) this.#fleet.tell('identityHolds', { nodes: copy.nodes })
      else this.#fleet.tell('identity', copy)
      told = mark
    })
  }

  #makeFleet(): Fleet {
    const { modes, identity, version, registry, observer, membership, hopKeys } = this.#options
    return new Fleet({
      size: this.#settings.workers,
      config: (home) => ({
        home,
        settings: this.#settings,
        modes,
        secrets: identity.secrets,
        version,
        sealingKeys: this.#sealingKeys,
        sockets: this.#sockets.path,
        node: membership.id,
        hopKeys,
      }),
      state: () => ({
        registry: wholeState(registry.state),
        identity: identity.copy(),
        circuits: [...this.#circuits, ...this.#board.worst()],
        peers: peersOf(membership.live, membership.id),
      }),
      handlers: (home) => this.#handlers(home),
      onGone: (home) => {
        this.#counts.depart(home)
        this.#board.forget(home)
      },
      onEvent: observer.fleet,
    })
  }

  #handlers(home: string): Handlers<PrimaryMethods> {
    const { identity, membership } = this.#options
    return {
      findPeer: ({ node }) => memberPeers(membership).find(node),
      probe: ({ template, id, urgent }) =>
        this.#healths.get(template)?.verdict(id, urgent) ?? {
          state: 'unfit',
          reason: 'the template is not there',
          passed: false,
        },
      circuit: (step) => this.#onCircuit(home, step),
      counts: (counts) => this.#counts.update(home, counts),
      denied: identity.audit.denied,
      called: identity.audit.call,
      keyUsed: ({ id, at }) => identity.keyUse.note(id, at),
      keyRehashed: ({ id, rehash }) => identity.keyUse.noteRehash(id, rehash),
      log: (lines) => {
        for (const line of lines) this.#options.log.write(line)
      },
    }
  }

  #onCircuit(home: string, step: CircuitStep): void {
    const { template, event } = step
    this.#board.set(home, step)
    this.#options.observer.gateway({ type: 'health', template, event })
    if (event.to === 'open') this.#healths.get(template)?.advise(event.id)
  }

  #watch(options: WatchOptions): RouteHealth {
    const template = options.template.name
    const monitor = watchTemplate({
      ...options,
      onEvent: (event) => {
        options.onEvent(event)
        if (event.type === 'health' && event.event.type === 'status')
          this.#fleet.tell('status', { template, id: event.event.id })
      },
    })
    const health = new LeadingHealth({ monitor, template, board: this.#board })
    this.#healths.set(template, health)
    return health.route
  }
}
