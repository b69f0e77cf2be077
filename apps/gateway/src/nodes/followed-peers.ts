import type { Peer, Peers } from './peers.js'

/** The other nodes, in a worker: what its primary told last, and what it says when it is asked. */
export class FollowedPeers implements Peers {
  readonly #ask: (id: string) => Promise<Peer | undefined>
  #peers: readonly Peer[]

  constructor(peers: readonly Peer[], ask: (id: string) => Promise<Peer | undefined>) {
    this.#peers = peers
    this.#ask = ask
  }

  set(peers: readonly Peer[]): void {
    this.#peers = peers
  }

  all(): readonly Peer[] {
    return this.#peers
  }

  async find(id: string): Promise<Peer | undefined> {
    return this.#peers.find((peer) => peer.id === id) ?? this.#ask(id)
  }
}
