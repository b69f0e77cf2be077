import type { IncomingMessage } from 'node:http'
import type { DerivedKeys } from '@mcp-platform/auth'
import { type Gateway, GatewayError, type Hop } from '@mcp-platform/gateway-core'
import { type HomeName, homeName } from './home-name.js'
import { HopDoor, type HopDoorOptions } from './hop-door.js'
import type { HopEvent } from './hop-event.js'
import { HopRefusedError, HopSeal } from './hop-seal.js'
import { PeerPipes } from './peer-pipes.js'
import type { Peers } from './peers.js'
import { SessionRoutes, type SessionWays } from './session-routes.js'

/** What {@link NodeHops} is made from. */
export interface NodeHopsOptions {
  readonly own: HomeName
  /** Keys for the HMAC, the same on all nodes. */
  readonly keys: DerivedKeys
  readonly peers: Peers
  /** The processes of this node that sessions live in, this one among them. @default this one alone */
  readonly processes?: (() => ReadonlySet<string>) | undefined
  readonly toProcess?: SessionWays['toProcess'] | undefined
  readonly onEvent: (event: HopEvent) => void
}

/** Everything by which one process takes part in sessions that live elsewhere, and others in its own. */
export class NodeHops {
  /** Sealed into the ids of the sessions of this process. */
  readonly home: string
  readonly hop: Hop
  readonly #options: NodeHopsOptions
  readonly #seal: HopSeal
  readonly #pipes: PeerPipes
  readonly #routes: SessionRoutes

  constructor(options: NodeHopsOptions) {
    const { own, keys, peers, onEvent } = options
    const alone: ReadonlySet<string> = new Set([own.process])
    this.#options = options
    this.home = homeName(own)
    this.#seal = new HopSeal(keys)
    this.#pipes = new PeerPipes({ node: own.node, seal: this.#seal, onEvent })
    this.#routes = new SessionRoutes({
      own,
      peers,
      processes: options.processes ?? (() => alone),
      toProcess: options.toProcess ?? (() => Promise.resolve(false)),
      toPeer: this.#pipes.send,
    })
    this.hop = this.#routes.hop
  }

  /** The way in for other nodes. */
  door(gateway: Pick<Gateway, 'handleForwarded'>, follow: HopDoorOptions['follow']): HopDoor {
    const { own, onEvent } = this.#options
    return new HopDoor({ node: own.node, seal: this.#seal, routes: this.#routes, gateway, follow, onEvent })
  }

  /** Makes sure that a body is the one that the other node sent. @throws GatewayError FORBIDDEN */
  readonly checkForwarded = (request: IncomingMessage, body: Buffer): void => {
    try {
      this.#seal.checkBody(request, body)
    } catch (error) {
      if (error instanceof HopRefusedError) throw new GatewayError('FORBIDDEN', error.message, {}, error)
      throw error
    }
  }

  /** Other nodes than these are gone: nobody there will answer any more. */
  keep(peers: readonly { readonly id: string }[]): void {
    this.#pipes.keep(new Set(peers.map(({ id }) => id)))
  }

  /** Resolves when nothing but streams is under way, after `graceMs` at the latest, at once when `hurry` aborts. */
  untilIdle(graceMs: number, hurry: AbortSignal): Promise<void> {
    return this.#pipes.untilIdle(graceMs, hurry)
  }

  close(): void {
    this.#pipes.close()
  }
}
