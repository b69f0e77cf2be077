/** Another node, and where it takes messages of its sessions. */
export interface Peer {
  readonly id: string
  readonly url: string
}

/** The other nodes. Their addresses come from the database and from nowhere else. */
export interface Peers {
  /** Those that are alive, by id. */
  all(): readonly Peer[]
  /** One of them, also one that came a moment ago; undefined when it is gone. */
  find(id: string): Promise<Peer | undefined>
}

/** Of a gateway whose database belongs to it alone. */
export const NO_PEERS: Peers = { all: () => [], find: () => Promise.resolve(undefined) }
