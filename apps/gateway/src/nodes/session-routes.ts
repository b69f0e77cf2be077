import type { Hop, HopExchange } from '@mcp-platform/gateway-core'
import { heirsOf } from './heirs.js'
import { type HomeName, parseHomeName } from './home-name.js'
import type { HopFacts } from './hop-seal.js'
import type { Peer, Peers } from './peers.js'

/** Ways from this process to the others; each resolves to false when nobody is there, and nothing was sent. */
export interface SessionWays {
  /** To another process of this node. */
  toProcess(process: string, exchange: HopExchange, how: { readonly adopts: boolean }): Promise<boolean>
  /** To another node. */
  toPeer(peer: Peer, exchange: HopExchange, how: { readonly home: string; readonly adopts: boolean }): Promise<boolean>
}

/** What {@link SessionRoutes} is made from. */
export interface SessionRoutesOptions extends SessionWays {
  readonly own: HomeName
  /** The processes of this node that sessions live in, this one among them. */
  readonly processes: () => ReadonlySet<string>
  readonly peers: Peers
}

/** What to do with a message that another node sent here: it was answered, or is to be answered here. */
export type Arrival = { readonly served: true } | { readonly served: false; readonly adopts: boolean }

/**
 * Finds the process that answers a message of a session or a parked call: its home, in one hop, or, when that is gone, the
 * one process of all that goes on with the session.
 */
export class SessionRoutes {
  readonly #options: SessionRoutesOptions

  constructor(options: SessionRoutesOptions) {
    this.#options = options
  }

  /** For a message of a client. */
  readonly hop: Hop = async (home, exchange) => {
    const { own, peers, toPeer } = this.#options
    const { node, process } = parseHomeName(home)
    if (node === own.node) return this.#inside(process, exchange)
    const peer = await peers.find(node)
    if (peer !== undefined && (await toPeer(peer, exchange, { home, adopts: false }))) return true
    return exchange.isAdoptable && this.#toHeir(node, exchange)
  }

  /** For a message that another node sent here. From its door to the home is this node's inside, and no second hop. */
  async arrive(facts: Pick<HopFacts, 'to' | 'adopts'>, exchange: HopExchange): Promise<Arrival> {
    const { own } = this.#options
    const { process } = parseHomeName(facts.to)
    if (facts.adopts) return { served: await this.#insideHeir(exchange), adopts: true }
    if (process === own.process) return { served: false, adopts: false }
    return { served: await this.#inside(process, exchange), adopts: true }
  }

  // The home is of this node, which knows whether it lives.
  async #inside(process: string, exchange: HopExchange): Promise<boolean> {
    const { processes, toProcess } = this.#options
    if (processes().has(process) && (await toProcess(process, exchange, { adopts: false }))) return true
    return exchange.isAdoptable && this.#insideHeir(exchange)
  }

  async #insideHeir(exchange: HopExchange): Promise<boolean> {
    const { own, processes, toProcess } = this.#options
    for (const process of heirsOf(exchange.key, processes())) {
      if (process === own.process) return false
      if (await toProcess(process, exchange, { adopts: true })) return true
    }
    return false
  }

  async #toHeir(gone: string, exchange: HopExchange): Promise<boolean> {
    const { own, peers, toPeer } = this.#options
    const others = new Map(peers.all().map((peer) => [peer.id, peer]))
    others.delete(gone)
    for (const node of heirsOf(exchange.key, [own.node, ...others.keys()])) {
      const peer = others.get(node)
      if (peer === undefined) return this.#insideHeir(exchange)
      if (await toPeer(peer, exchange, { home: `${node}/`, adopts: true })) return true
    }
    return false
  }
}
